// The tray's other side on the session bus: the test is the desktop's panel. It owns the name of the
// watcher (StatusNotifierItem), reads the item that the shell registers, and clicks in its menu
// (com.canonical.dbusmenu).

import { Message, sessionBus, Variant } from '@jellybrick/dbus-next';
import { poll } from '../support/poll.ts';

export interface MenuLine {
  readonly id: number;
  readonly label: string;
  readonly enabled: boolean;
}

export interface TrayWatcher {
  /** A property of the item (`ToolTip`, `IconPixmap`), as the bus carries it. */
  property(name: string): Promise<unknown>;
  /** The tooltip's title and text in one. */
  tooltip(): Promise<string>;
  /** The lines of the menu, separators left out. */
  menu(): Promise<readonly MenuLine[]>;
  labels(): Promise<readonly string[]>;
  /** Waits until the menu has a line of this text. */
  waitFor(label: string | RegExp): Promise<MenuLine>;
  /** Waits for the line and clicks it. */
  click(label: string): Promise<void>;
  close(): void;
}

const watcherName = 'org.kde.StatusNotifierWatcher';
const propertiesInterface = 'org.freedesktop.DBus.Properties';
/** The shell speaks after each change; a busy machine takes its time. */
const patienceMs = 90_000;

/** Takes the watcher's name on a bus, before the shell looks for it. */
export async function startTrayWatcher(busAddress: string): Promise<TrayWatcher> {
  const bus = sessionBus({ busAddress });
  let item: { readonly owner: string; readonly path: string } | undefined;
  bus.addMethodHandler((message) => {
    const answer = (signature: string, body: unknown[]): true => {
      bus.send(Message.newMethodReturn(message, signature, body));
      return true;
    };
    switch (`${message.interface}.${message.member}`) {
      case `${watcherName}.RegisterStatusNotifierItem`: {
        const [service] = message.body as [string];
        // Some register by their object's path, others by their name on the bus.
        item = service.startsWith('/')
          ? { owner: message.sender, path: service }
          : { owner: service, path: '/StatusNotifierItem' };
        return answer('', []);
      }
      case `${watcherName}.RegisterStatusNotifierHost`:
        return answer('', []);
      case `${propertiesInterface}.Get`:
        return answer('v', [watcherProperties(item)[String(message.body[1])]]);
      case `${propertiesInterface}.GetAll`:
        return answer('a{sv}', [watcherProperties(item)]);
      default:
        return false;
    }
  });
  await bus.requestName(watcherName, 0);

  /** Calls the item's owner; gives the body of the answer. */
  const call = async (
    path: string,
    of: string,
    member: string,
    signature: string,
    body: unknown[],
  ): Promise<unknown[]> => {
    const { owner } = await registered();
    const message = { destination: owner, path, interface: of, member, signature, body };
    return (await bus.call(new Message(message)))?.body ?? [];
  };
  const registered = () => poll(() => item, patienceMs);
  const property = async (name: string): Promise<unknown> => {
    const { path } = await registered();
    const asked = ['org.kde.StatusNotifierItem', name];
    const [value] = await call(path, propertiesInterface, 'Get', 'ss', asked);
    return (value as Variant).value;
  };
  const menu = async (): Promise<readonly MenuLine[]> => {
    const path = String(await property('Menu'));
    const asked = [0, -1, []];
    const [, layout] = await call(path, 'com.canonical.dbusmenu', 'GetLayout', 'iias', asked);
    const [, , children] = layout as [number, unknown, Variant<MenuNode>[]];
    return children
      .map(({ value: [id, facts] }) => ({
        id,
        // An underscore marks a shortcut; a real one is doubled.
        label: textOf(facts.label).replaceAll(/_(.)/g, '$1'),
        enabled: facts.enabled?.value !== false,
        type: facts.type?.value,
      }))
      .filter(({ type }) => type !== 'separator');
  };
  const waitFor = (label: string | RegExp): Promise<MenuLine> =>
    poll(async () => {
      const lines = await menu();
      const found = lines.find((line) =>
        typeof label === 'string' ? line.label === label : label.test(line.label),
      );
      if (found === undefined) {
        const said = lines.map((line) => line.label).join(' | ');
        throw new Error(`the tray has no line ${String(label)}: ${said}`);
      }
      return found;
    }, patienceMs);
  return {
    property,
    async tooltip() {
      const [, , title, text] = (await property('ToolTip')) as [string, unknown, string, string];
      return [title, text].filter((part) => part !== '').join(' ');
    },
    menu,
    labels: async () => (await menu()).map(({ label }) => label),
    waitFor,
    async click(label) {
      // A menu that has changed since it was read has other ids, and refuses the old one.
      await poll(async () => {
        const { id } = await waitFor(label);
        const path = String(await property('Menu'));
        const event = [id, 'clicked', new Variant('s', ''), 0];
        await call(path, 'com.canonical.dbusmenu', 'Event', 'isvu', event);
        return true;
      }, patienceMs);
    },
    close: () => bus.disconnect(),
  };
}

function textOf(variant: Variant | undefined): string {
  return typeof variant?.value === 'string' ? variant.value : '';
}

type MenuNode = [id: number, facts: Record<string, Variant | undefined>, children: Variant[]];

function watcherProperties(item: { readonly owner: string; readonly path: string } | undefined) {
  const items = item === undefined ? [] : [`${item.owner}${item.path}`];
  const values: Record<string, Variant> = {
    RegisteredStatusNotifierItems: new Variant('as', items),
    IsStatusNotifierHostRegistered: new Variant('b', true),
    ProtocolVersion: new Variant('i', 0),
  };
  return values;
}
