// TeX to MathML by temml, as a plain tree of elements that are on one list, with attributes that are on
// another: no link, no address, no style, no handler. Loaded once there is maths.
import temml from "temml";

const ELEMENTS = new Set("math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom menclose msub msup msubsup munder mover munderover mmultiscripts mprescripts none mtable mtr mtd merror".split(" "));
const ATTRIBUTES = new Set("display mathvariant stretchy fence separator form largeop movablelimits accent accentunder symmetric minsize maxsize lspace rspace width height depth voffset linethickness displaystyle scriptlevel columnalign rowspacing columnspacing notation columnspan rowspan".split(" "));
const LONGEST = 4_000;
const MOST = 5_000; // elements of one formula

export interface Part {
  name: string;
  attributes: Record<string, string>;
  children: (Part | string)[];
}

interface Made {
  type?: string;
  text?: string;
  attributes?: Record<string, string>;
  children?: Made[];
}

/** Throws where it is no TeX, or too much of it. */
export function formula(text: string, shown: boolean): Part | string {
  if (text.length > LONGEST) throw new Error("too long");
  const options = { displayMode: shown, throwOnError: true, trust: false, maxExpand: 200, maxSize: [20, 400] as [number, number], strict: false };
  const tree = parsed(text, options);
  let left = MOST;
  function part(one: Made, deep: number): Part | string {
    if (--left < 0 || deep > 60) throw new Error("too much");
    if (one.text !== undefined && !one.children) return one.text;
    const children = (one.children ?? []).map((inner) => part(inner, deep + 1));
    const name = one.type && ELEMENTS.has(one.type) ? one.type : "mrow";
    const attributes = Object.fromEntries(Object.entries(one.attributes ?? {}).filter(([key, value]) => ATTRIBUTES.has(key) && !/url|[<>:]/i.test(String(value))));
    return { name, attributes, children };
  }
  return part(tree, 0);
}

/** The tree as temml builds it; its errors are thrown by the parser and are ours to tell. */
function parsed(text: string, options: object): Made {
  temml.__parse(text, options); // throws where it is no TeX: the builder would draw the error instead
  return temml.__renderToMathMLTree(text, options) as Made;
}
