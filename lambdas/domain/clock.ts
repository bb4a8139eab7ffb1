/** The only way that code below the handlers learns the time. */
export type Clock = () => Date;
