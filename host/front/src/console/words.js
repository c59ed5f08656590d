// Times, durations, numbers and amounts as people read them.

const pad = (number) => String(number).padStart(2, "0");

/** A time of day in the reader's zone, with its day if that is not today. */
export function clock(text) {
  const time = new Date(text);
  if (!text || Number.isNaN(time.getTime())) return "";
  const day = time.toDateString() === new Date().toDateString()
    ? ""
    : `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())} `;
  return `${day}${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
}

/** The same moment in UTC, for the tooltip. */
export function utc(text) {
  const time = new Date(text);
  if (!text || Number.isNaN(time.getTime())) return "";
  return `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A duration of so many seconds: `4 s`, `12 min`, `3 h 05 min`, `9 d 4 h`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${pad(whole % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${pad(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A count, with a thin space between thousands. */
export function count(number) {
  return String(number ?? 0).replace(/\B(?=(\d{3})+(?!\d))/g, "\u2009");
}

/** An exact decimal, which comes as text, with its currency. */
export function money(amount, currency) {
  if (amount === null || amount === undefined) return "";
  const [whole, cents] = String(amount).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, "\u2009");
  const exact = cents === undefined ? grouped : `${grouped}.${cents}`;
  return currency ? `${exact} ${currency}` : exact;
}

/** One of something, or several. */
export function several(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}
