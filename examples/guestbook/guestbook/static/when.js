// Writes times in the visitor's own language and time zone.

const format = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "short" });

export function localise(time) {
  time.textContent = format.format(new Date(time.dateTime));
}
