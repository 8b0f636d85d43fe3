// Which part of the picture is seen. Fitted until somebody zooms or moves it.

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const least = 0.5;
const most = 6;

export class Viewport {
  /** 1: all of it. */
  zoom = $state(1);
  #shift = $state.raw({ x: 0, y: 0 });

  /** Gives the part of `whole` that is seen. */
  of(whole: Rectangle): Rectangle {
    const width = whole.width / this.zoom;
    const height = whole.height / this.zoom;
    return {
      x: whole.x + (whole.width - width) / 2 + this.#shift.x,
      y: whole.y + (whole.height - height) / 2 + this.#shift.y,
      width,
      height,
    };
  }

  zoomBy(factor: number): void {
    this.zoom = Math.min(most, Math.max(least, this.zoom * factor));
  }

  moveBy(x: number, y: number): void {
    this.#shift = { x: this.#shift.x + x, y: this.#shift.y + y };
  }

  fit(): void {
    this.zoom = 1;
    this.#shift = { x: 0, y: 0 };
  }
}
