/** The rider's FTP, remembered on this device. */

/** Watts. The bounds are those of a workout's input. */
export const ftpMinW = 30;
export const ftpMaxW = 800;

const storageKey = 'trackstand-ftp-w';
/** A rider who trains a little; whoever knows better says so once. */
const usualW = 200;

export function rememberedFtpW(): number {
  try {
    return readFtpW(localStorage.getItem(storageKey) ?? '') ?? usualW;
  } catch {
    // A browser that keeps nothing for this page.
    return usualW;
  }
}

export function rememberFtpW(ftpW: number): void {
  try {
    localStorage.setItem(storageKey, String(ftpW));
  } catch {
    // Asked again next time.
  }
}

/** Whole watts within the bounds, or null. */
export function readFtpW(text: string): number | null {
  const ftpW = text.trim() === '' ? Number.NaN : Math.round(Number(text));
  return ftpW >= ftpMinW && ftpW <= ftpMaxW ? ftpW : null;
}
