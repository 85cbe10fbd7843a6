export const menu = ["home"];
