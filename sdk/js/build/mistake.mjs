/** What is wrong with the project and its author can mend. */
export class Mistake extends Error {
  /** @param {string} message @param {string} [help] */
  constructor(message, help) {
    super(message);
    this.help = help;
  }
}
