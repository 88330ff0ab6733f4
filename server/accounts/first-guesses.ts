/** Passwords that are tried first: a few words with anything around them, runs of the keyboard, repetitions, one's own name. */

/** What people write first, in the languages we know they ride in. Digits and signs around them make them no rarer. */
const words = `
  password passwort motdepasse contrasena contraseña senha wachtwoord haslo hasło parola heslo salasana losenord lösenord kodeord
  admin administrator administrador root user guest login logon welcome willkommen bienvenue letmein letmeinplease secret geheim master
  iloveyou ichliebedich jetaime teamo loveyou lovely sunshine princess princesa dragon monkey football fussball baseball basketball soccer
  superman batman spiderman starwars pokemon matrix shadow michael jennifer jessica daniel charlie thomas andrew joshua ashley
  nicole hannah george robert matthew jordan harley hunter ranger buster tigger ginger pepper cookie cheese chocolate coffee banana
  computer internet samsung google facebook apple microsoft windows android whatever trustno test tester testing changeme default
  temp temporary access private freedom forever summer winter spring autumn sommer monday friday january december
  bicycle bike cycling cyclist fahrrad velo bicicletta trackstand wattage watts peloton tourdefrance ride rider trainer workout
  hello hallo bonjour hola killer pussy fuckyou fuckoff asshole liverpool chelsea arsenal barcelona realmadrid juventus bayern
  flower rainbow diamond silver golden purple orange yellow hockey guitar mustang ferrari mercedes porsche corvette yamaha
  nothing something anything everything qazwsx zaqxsw
`
  .trim()
  .split(/\s+/);

const known: ReadonlySet<string> = new Set(words);

/** Rows of keyboards and what is counted up: any stretch of them, in either direction, is a run. */
const rows = [
  '01234567890123456789',
  'abcdefghijklmnopqrstuvwxyz',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
  'asdfghjkl',
  'zxcvbnm',
];
const runs = [...rows, ...rows.map((row) => Array.from(row).toReversed().join(''))];

const lookalikes: Readonly<Record<string, string>> = {
  '@': 'a',
  '4': 'a',
  '3': 'e',
  '1': 'i',
  '!': 'i',
  '0': 'o',
  $: 's',
  '5': 's',
  '7': 't',
};

/** Shortest stretch of a row that counts as a run. */
const runCharsMin = 4;

/** Whether a guesser comes to it soon. `email`: its own parts are guessed first of all. */
export function isCommon(password: string, email: string): boolean {
  const lower = password.toLowerCase();
  const core = trimmed(lower);
  const bare = lower.replaceAll(/[^\p{L}]+/gu, '');
  return (
    isRepeated(lower) ||
    isOfRuns(lower) ||
    [core, bare, spoken(core), trimmed(spoken(lower))].some((text) =>
      isOfWords(text, namesOf(email)),
    )
  );
}

/** With letters in the place of the signs that stand for them. */
function spoken(text: string): string {
  return Array.from(text, (character) => lookalikes[character] ?? character).join('');
}

/** Without what is not a letter at its ends. */
function trimmed(text: string): string {
  return text.replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
}

/** Names in the address that are long enough to be a password's whole content. */
function namesOf(email: string): ReadonlySet<string> {
  const [local = '', domain = ''] = email.toLowerCase().split('@');
  const parts = [local, domain, ...local.split(/[^\p{L}]+/u), ...domain.split('.')];
  return new Set(parts.map(trimmed).filter((part) => part.length >= 3));
}

/** One word or several of them, and nothing else. */
function isOfWords(text: string, names: ReadonlySet<string>): boolean {
  if (text === '') return false;
  const reached = new Set([0]);
  for (let end = 1; end <= text.length; end++)
    for (const start of reached) {
      const part = text.slice(start, end);
      if (known.has(part) || names.has(part)) {
        reached.add(end);
        break;
      }
    }
  return reached.has(text.length);
}

/** A short piece over and over: aaaaaaaa, abcabcabc, 12341234. */
function isRepeated(text: string): boolean {
  return [1, 2, 3, 4].some(
    (period) =>
      text.length >= 2 * period &&
      Array.from(text).every((character, index) => character === text[index % period]),
  );
}

/** Stretches of keyboard rows one after the other, and nothing else: 1234qwer, asdfasdf, 87654321. */
function isOfRuns(text: string): boolean {
  let rest = text;
  while (rest.length >= runCharsMin) {
    const length = longestRun(rest);
    if (length < runCharsMin) return false;
    rest = rest.slice(length);
  }
  return rest.length < runCharsMin;
}

function longestRun(text: string): number {
  let length = 0;
  while (length < text.length && runs.some((run) => run.includes(text.slice(0, length + 1))))
    length++;
  return length;
}
