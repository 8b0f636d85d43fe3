// The errors of the v4 API: code, text and HTTP status (servicecenter-api.md §2).

const messages = {
  400001: 'Invalid parameter(s)',
  400010: 'Micro-service already exists',
  400012: 'Micro-service does not exist',
  400013: 'Micro-service has deployed instance(s)',
  400014: 'Undefined schema id',
  400015: 'Not allowed to modify schema',
  400016: 'Schema does not exist',
  400017: 'Instance does not exist',
  400018: 'Tag does not exist',
  400023: 'Consumer(s) depends on this micro-service',
  400026: 'Micro-service version does not exist',
  400100: 'Not enough quota',
  403001: 'Forbidden',
  500003: 'Internal server error',
} as const;

export type ErrorCode = keyof typeof messages;

/** The body of an error answer. */
export interface ErrorBody {
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly detail: string;
}

/** A refusal in the API's own terms; the listener turns it into status and body. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(code: ErrorCode, detail: string) {
    super(`${String(code)} ${messages[code]}: ${detail}`);
    this.code = code;
    this.detail = detail;
  }

  /** The HTTP status: the first three digits of the code. */
  get status(): number {
    return Math.floor(this.code / 1000);
  }

  get body(): ErrorBody {
    return {
      errorCode: String(this.code),
      errorMessage: messages[this.code],
      detail: this.detail,
    };
  }
}

/** A refusal of the parameters, code 400001. */
export function invalid(detail: string): ApiError {
  return new ApiError(400001, detail);
}

/** What a service id that nobody knows is answered with. */
export function noService(detail = 'Service does not exist.'): ApiError {
  return new ApiError(400012, detail);
}
