/** Reads workout files in the .zwo format: XML with one element per block. What people write is taken as it is, and warned of. */
import { parseXml, XmlDocumentType, XmlElement, XmlError } from '@rgrove/parse-xml';

import { fileCharsMax, imported, ImportProblem, inOneLine, tooLarge } from './imported-plan.ts';
import type { ImportResult, PlacedText } from './imported-plan.ts';
import { segmentCountMax } from './plan.ts';
import type { PlanSegment } from './plan.ts';
import { readBlock } from './zwo-blocks.ts';

/** Tags that say nothing about the ride, and are passed over in silence. */
const quietTags: ReadonlySet<string> = new Set(
  (
    'author author_alias authoralt authoricon activitysavename tags tag category categoryindex ' +
    'subcategory entid overridehash painindex showcp20 skippable workoutplan workoutlength ' +
    'durationtype name namemetric nameimperial n description sporttype visibleaftertime gameplayevent'
  ).split(' '),
);
const textTags: ReadonlySet<string> = new Set(['textevent', 'textnotification']);
/** Different unknown tags that are told. */
const unknownCountMax = 50;

/** What has been read of a file so far. */
interface Reading {
  readonly segments: PlanSegment[];
  readonly texts: PlacedText[];
  readonly warn: (warning: string) => void;
  /** How often each unknown tag came. */
  readonly unknown: Map<string, number>;
  blockCount: number;
  durationS: number;
}

/** Reads a .zwo file's text. Never throws. */
export function parseZwo(text: string): ImportResult {
  if (text.length > fileCharsMax) return { ok: false, problem: tooLarge };
  return imported((warn) => {
    const root = parseRoot(text);
    refuseOtherSports(root);
    const { segments, texts, unknown } = readBlocks(root, warn);
    for (const [tag, count] of unknown)
      warn(`Unknown tag <${tag}> is passed over${count > 1 ? `, ${count} times` : ''}.`);
    const name = textOf(root, 'name') || textOf(root, 'n');
    return { name, description: textOf(root, 'description'), segments, texts };
  });
}

function parseRoot(text: string): XmlElement {
  const document = parseDocument(text);
  // Nothing of a document type is ever needed, and entities are how a small file grows without bound.
  if (document.children.some((node) => node instanceof XmlDocumentType))
    throw new ImportProblem('The file declares a document type, which workout files do not.');
  const { root } = document;
  if (root?.name.toLowerCase() !== 'workout_file')
    throw new ImportProblem('This is no .zwo file: it does not begin with <workout_file>.');
  return root;
}

function parseDocument(text: string): ReturnType<typeof parseXml> {
  try {
    // Blanks before the XML declaration are an error in XML and common in files; trimming takes a byte order mark along.
    return parseXml(text.trim(), { preserveDocumentType: true });
  } catch (error) {
    if (error instanceof XmlError)
      throw new ImportProblem(`The file is no valid XML: ${error.message.split('\n', 1)[0]}.`, {
        cause: error,
      });
    // The parser recurses per level; the stack's end is the only other way it fails.
    throw new ImportProblem('The file is nested too deeply.', { cause: error });
  }
}

function refuseOtherSports(root: XmlElement): void {
  const sport = textOf(root, 'sporttype').toLowerCase();
  if (sport === '' || sport === 'bike') return;
  const kind = sport === 'run' ? 'a running' : 'no cycling';
  throw new ImportProblem(`This is ${kind} workout; only cycling workouts can be ridden here.`);
}

function readBlocks(root: XmlElement, warn: (warning: string) => void): Reading {
  const reading: Reading = {
    segments: [],
    texts: [],
    warn,
    unknown: new Map(),
    blockCount: 0,
    durationS: 0,
  };
  for (const element of elements(root)) {
    const tag = element.name.toLowerCase();
    if (tag === 'workout') for (const block of elements(element)) readChild(reading, block);
    else if (tag === 'ftpoverride') warn('The file wants another FTP; targets follow yours.');
    else if (!quietTags.has(tag)) noteUnknown(reading, element);
  }
  if (reading.segments.length === 0) throw new ImportProblem('The file has no block to ride.');
  return reading;
}

/** A child of `<workout>`: a block with its texts, or a text of the whole workout. */
function readChild(reading: Reading, element: XmlElement): void {
  if (readText(reading, element, 0)) return;
  const label = `Block ${reading.blockCount + 1} (${element.name.slice(0, 40)})`;
  const block = { tag: element.name, attributes: attributesOf(element), label };
  const segments = readBlock(block, reading.warn);
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
    reading.texts.push({ positionS: reading.durationS, message: 'Maximum effort' });
  if (reading.segments.length + segments.length > segmentCountMax)
    throw new ImportProblem(`The workout has more than ${segmentCountMax} segments.`);
  for (const segment of segments) reading.durationS += segment.durationS;
  reading.segments.push(...segments);
}

/** Whether the element is a text event; its offset counts from `fromS`. */
function readText(reading: Reading, element: XmlElement, fromS: number): boolean {
  if (!textTags.has(element.name.toLowerCase())) return false;
  const attributes = attributesOf(element);
  const offsetS = Number(attributes.get('timeoffset') ?? (attributes.has('distoffset') ? '-' : 0));
  const written = attributes.get('message') ?? attributes.get('text') ?? '';
  const message = inOneLine(written);
  if (message === '') return true;
  if (offsetS >= 0) reading.texts.push({ positionS: fromS + Math.round(offsetS), message });
  else reading.warn('A text without a usable time is left out.');
  return true;
}

function noteUnknown({ unknown }: Reading, { name }: XmlElement): void {
  const tag = name.slice(0, 40);
  if (unknown.has(tag) || unknown.size < unknownCountMax)
    unknown.set(tag, (unknown.get(tag) ?? 0) + 1);
}

function elements(parent: XmlElement): XmlElement[] {
  return parent.children.filter((node) => node instanceof XmlElement);
}

function attributesOf({ attributes }: XmlElement): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(attributes).map(([name, value]) => [name.toLowerCase(), value] as const),
  );
}

/** Text of the root's first child of that name, in lower case; '' when there is none. */
function textOf(root: XmlElement, tag: string): string {
  const element = elements(root).find(({ name }) => name.toLowerCase() === tag);
  return inOneLine(element?.text ?? '');
}
