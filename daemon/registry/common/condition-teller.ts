// Conditions are told when they change, not on a timer.

import type { Logger } from '../../support/logger.ts';
import type { RegistryCondition } from '../driver.ts';

/**
 * Gives a function that passes a condition on to `tell` when its words differ from the last ones, and
 * logs it when its reason does: the seconds of a countdown are news for `status`, not for the log.
 */
export function conditionTeller(
  tell: (condition: RegistryCondition) => void,
  address: () => string,
  logger: Logger,
): (condition: RegistryCondition) => void {
  let lastReason = '';
  let lastText = '';
  return (condition) => {
    const { state } = condition;
    const reason = state === 'answering' ? state : condition.reason;
    const text = state === 'answering' ? state : `${reason}: ${condition.detail}`;
    if (text === lastText) return;
    if (reason !== lastReason) {
      logger.info({ condition: reason, address: address() }, `registry ${text}`);
    }
    lastReason = reason;
    lastText = text;
    tell(condition);
  };
}
