/** Reads workout files in the .zwo format: XML with one element per block. What people write is taken as it is, and warned of. */
import { parseXml, XmlDocumentType, XmlElement, XmlError } from '@rgrove/parse-xml';
import * as v from 'valibot';

import { messageCharsMax, planSchema, segmentCountMax, textCountMax } from './plan.ts';
import type { Plan, PlanSegment } from './plan.ts';
import { readBlock, ZwoProblem } from './zwo-blocks.ts';

/** Characters of a file. Real ones have at most some 50,000; this is what a phone still parses in a moment. */
export const zwoCharsMax = 1_048_576;

/** A plan with remarks for the rider, or one sentence that says why there is none. */
export type ZwoResult =
  | { readonly ok: true; readonly plan: Plan; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problem: string };

/** Tags that say nothing about the ride, and are passed over in silence. */
const quietTags: ReadonlySet<string> = new Set(
  (
    'author author_alias authoralt authoricon activitysavename tags tag category categoryindex ' +
    'subcategory entid overridehash painindex showcp20 skippable workoutplan workoutlength ' +
    'durationtype name namemetric nameimperial n description sporttype visibleaftertime gameplayevent'
  ).split(' '),
);
const textTags: ReadonlySet<string> = new Set(['textevent', 'textnotification']);
/** Different warnings and unknown tags that are told: a broken file must not bury the screen. */
const warningCountMax = 50;

/** What has been read of a file so far. */
interface Reading {
  readonly segments: PlanSegment[];
  readonly texts: { positionS: number; message: string }[];
  readonly warnings: Set<string>;
  /** How often each unknown tag came. */
  readonly unknown: Map<string, number>;
  blockCount: number;
  durationS: number;
}

/** Reads a .zwo file's text. Never throws. */
export function parseZwo(text: string): ZwoResult {
  if (text.length > zwoCharsMax) return failed('The file is larger than 1 MB.');
  try {
    const root = parseRoot(text);
    refuseOtherSports(root);
    const reading = readBlocks(root);
    const plan = v.safeParse(planSchema, assemble(root, reading));
    if (!plan.success) return failed(`The workout cannot be ridden: ${plan.issues[0].message}`);
    return { ok: true, plan: plan.output, warnings: allWarnings(reading) };
  } catch (error) {
    if (error instanceof ZwoProblem) return failed(error.message);
    throw error;
  }
}

function failed(problem: string): ZwoResult {
  return { ok: false, problem };
}

function parseRoot(text: string): XmlElement {
  const document = parseDocument(text);
  // Nothing of a document type is ever needed, and entities are how a small file grows without bound.
  if (document.children.some((node) => node instanceof XmlDocumentType))
    throw new ZwoProblem('The file declares a document type, which workout files do not.');
  const { root } = document;
  if (root?.name.toLowerCase() !== 'workout_file')
    throw new ZwoProblem('This is no .zwo file: it does not begin with <workout_file>.');
  return root;
}

function parseDocument(text: string): ReturnType<typeof parseXml> {
  try {
    // Blanks before the XML declaration are an error in XML and common in files; trimming takes a byte order mark along.
    return parseXml(text.trim(), { preserveDocumentType: true });
  } catch (error) {
    if (error instanceof XmlError)
      throw new ZwoProblem(`The file is no valid XML: ${error.message.split('\n', 1)[0]}.`, {
        cause: error,
      });
    // The parser recurses per level; the stack's end is the only other way it fails.
    throw new ZwoProblem('The file is nested too deeply.', { cause: error });
  }
}

function refuseOtherSports(root: XmlElement): void {
  const sport = textOf(root, 'sporttype').toLowerCase();
  if (sport === '' || sport === 'bike') return;
  const kind = sport === 'run' ? 'a running' : 'no cycling';
  throw new ZwoProblem(`This is ${kind} workout; only cycling workouts can be ridden here.`);
}

function readBlocks(root: XmlElement): Reading {
  const reading: Reading = {
    segments: [],
    texts: [],
    warnings: new Set(),
    unknown: new Map(),
    blockCount: 0,
    durationS: 0,
  };
  for (const element of elements(root)) {
    const tag = element.name.toLowerCase();
    if (tag === 'workout') for (const block of elements(element)) readChild(reading, block);
    else if (tag === 'ftpoverride')
      warn(reading, 'The file wants another FTP; targets follow yours.');
    else if (!quietTags.has(tag)) noteUnknown(reading, element);
  }
  if (reading.segments.length === 0) throw new ZwoProblem('The file has no block to ride.');
  return reading;
}

/** A child of `<workout>`: a block with its texts, or a text of the whole workout. */
function readChild(reading: Reading, element: XmlElement): void {
  if (readText(reading, element, 0)) return;
  const label = `Block ${reading.blockCount + 1} (${element.name.slice(0, 40)})`;
  const block = { tag: element.name, attributes: attributesOf(element), label };
  const segments = readBlock(block, (warning) => warn(reading, warning));
  if (segments === null) {
    if (!quietTags.has(element.name.toLowerCase())) noteUnknown(reading, element);
    return;
  }
  reading.blockCount += 1;
  for (const child of elements(element))
    if (!readText(reading, child, reading.durationS) && !quietTags.has(child.name.toLowerCase()))
      noteUnknown(reading, child);
  // A plan knows free segments only, so the rider has to be told what this one is about.
  if (element.name.toLowerCase() === 'maxeffort')
    addText(reading, reading.durationS, 'Maximum effort');
  if (reading.segments.length + segments.length > segmentCountMax)
    throw new ZwoProblem(`The workout has more than ${segmentCountMax} segments.`);
  for (const segment of segments) reading.durationS += segment.durationS;
  reading.segments.push(...segments);
}

/** Whether the element is a text event; its offset counts from `fromS`. */
function readText(reading: Reading, element: XmlElement, fromS: number): boolean {
  if (!textTags.has(element.name.toLowerCase())) return false;
  const attributes = attributesOf(element);
  const offsetS = Number(attributes.get('timeoffset') ?? (attributes.has('distoffset') ? '-' : 0));
  const written = attributes.get('message') ?? attributes.get('text') ?? '';
  const message = written.replaceAll(/\s+/g, ' ').trim();
  if (message === '') return true;
  if (offsetS >= 0) addText(reading, fromS + Math.round(offsetS), message);
  else warn(reading, 'A text without a usable time is left out.');
  return true;
}

function addText(reading: Reading, positionS: number, text: string): void {
  if (reading.texts.length >= textCountMax)
    return warn(reading, `Only the first ${textCountMax} texts are taken.`);
  const message = shortened(text, messageCharsMax);
  if (message !== text) warn(reading, 'A long text is cut.');
  reading.texts.push({ positionS, message });
}

/** The plan with every text in the segment it falls into: intervals come as one block and leave as many segments. */
function assemble(root: XmlElement, { segments, texts, warnings, durationS }: Reading): unknown {
  let startS = 0;
  const placed = segments.map((segment) => {
    const endS = startS + segment.durationS;
    const own = texts
      .filter(({ positionS }) => positionS >= startS && positionS < endS)
      .map(({ positionS, message }) => ({ atS: positionS - startS, message }))
      .toSorted((a, b) => a.atS - b.atS);
    startS = endS;
    return own.length === 0 ? segment : { ...segment, texts: own };
  });
  if (texts.some(({ positionS }) => positionS >= durationS))
    warnings.add('A text after the end of the workout is left out.');
  const name = textOf(root, 'name') || textOf(root, 'n') || 'Workout without a name';
  const description = shortened(textOf(root, 'description'), 2000);
  return { name: shortened(name, 200), description, segments: placed };
}

function allWarnings({ warnings, unknown }: Reading): string[] {
  const skipped = [...unknown].map(([tag, count]) => {
    return `Unknown tag <${tag}> is passed over${count > 1 ? `, ${count} times` : ''}.`;
  });
  return [...warnings, ...skipped];
}

function warn({ warnings }: Reading, warning: string): void {
  if (warnings.size < warningCountMax) warnings.add(warning);
}

function noteUnknown({ unknown }: Reading, { name }: XmlElement): void {
  const tag = name.slice(0, 40);
  if (unknown.has(tag) || unknown.size < warningCountMax)
    unknown.set(tag, (unknown.get(tag) ?? 0) + 1);
}

function elements(parent: XmlElement): XmlElement[] {
  return parent.children.filter((node) => node instanceof XmlElement);
}

/** At most that many characters, without cutting a surrogate pair in two. */
function shortened(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  return `${text.slice(0, charsMax - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

function attributesOf({ attributes }: XmlElement): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(attributes).map(([name, value]) => [name.toLowerCase(), value] as const),
  );
}

/** Text of the root's first child of that name, in lower case; '' when there is none. */
function textOf(root: XmlElement, tag: string): string {
  const element = elements(root).find(({ name }) => name.toLowerCase() === tag);
  return element?.text.replaceAll(/\s+/g, ' ').trim() ?? '';
}
