"""The grammar of what may go on after the beginning of a Python module, line by line.

Blocks are those that are open at the beginning's end: a `try` is closed by an `except` or a
`finally`, and no line stands where no block is. A part of Python 3.9: what meets it parses. Names,
strings, lists and brackets within brackets are bounded, so that a line comes to its end. Knows
Lark as llguidance reads it; compiles nothing and runs nothing.
"""

from __future__ import annotations

import io
import keyword
import tokenize
from dataclasses import dataclass

DEEPER = 4  # blocks within blocks that a completion may open
NESTED = 3  # brackets within brackets
_LARGEST = 1 << 17  # characters of a beginning that is looked at
_MOST = 1 << 16  # characters of a grammar: some 12 blocks within each other
_UNIT = 4  # columns of a block, where the beginning has none
_HEADS = {"async": "", "elif": "if", "while": "for"}  # what may follow them is the same


@dataclass(frozen=True)
class Place:
    """Where a module's beginning ends.

    blocks: (columns, what opened it) of each open block, outermost first; unit: columns of one
    more; empty: whether the innermost has no statement yet; cut: whether its header lacks its end.
    """

    blocks: tuple[tuple[int, str], ...] = ()
    unit: int = _UNIT
    empty: bool = False
    cut: bool = False


def place(beginning: str) -> Place | None:
    """None where a line, a bracket or a string is still open, or a tab indents."""
    if len(beginning) > _LARGEST:
        return None
    cut = bool(beginning) and not beginning.endswith("\n")
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(beginning + "\n" * cut).readline))
    except (tokenize.TokenError, SyntaxError):
        return None
    found = _blocks(tokens)
    if found is None or (cut and not found.empty):
        return None
    return Place(found.blocks, found.unit, found.empty, cut)


def _blocks(tokens: list[tokenize.TokenInfo]) -> Place | None:
    blocks: list[tuple[int, str]] = []
    line: list[str] = []
    head, unit = "", _UNIT
    for token in tokens:
        if token.type == tokenize.INDENT:
            if not set(token.string) <= {" "}:
                return None
            columns = len(token.string)
            unit = columns - (blocks[-1][0] if blocks else 0)
            blocks.append((columns, head))
        elif token.type == tokenize.DEDENT and token.line:
            blocks.pop()
        elif token.type == tokenize.NEWLINE:
            head, line = _head(line), []
        elif token.type == tokenize.ERRORTOKEN and token.string.strip():
            return None
        elif token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.DEDENT):
            line += [token.string] * bool(token.string)
    if head == "@" or "match" in (head, *(kind for _, kind in blocks)) or line:
        return None
    if head:
        blocks.append(((blocks[-1][0] if blocks else 0) + unit, head))
    return Place(tuple(blocks), unit, bool(head))


def _head(line: list[str]) -> str:
    """What a logical line opens: the word before its block, "@" for a decorator, else nothing."""
    if line[:1] == ["@"]:
        return "@"
    if line[-1:] != [":"] or len(line) < 2:
        return ""
    words = [_HEADS.get(word, word) for word in line[:2]]
    return words[0] or words[1]


def grammar(beginning: str) -> str | None:
    """Of what may follow it; None where `place` knows none."""
    found = place(beginning)
    if found is None:
        return None
    columns = [0, *(width for width, _ in found.blocks)]
    deepest = columns[-1] + DEEPER * found.unit
    widths = sorted({*columns, *(w + n * found.unit for w in columns for n in range(DEEPER + 1))})
    rules = [_start(found)]
    for width in widths:
        inner = width + found.unit
        rules.append(_lines(width, inner if inner in widths and inner <= deepest else None))
    made = "".join([*rules, _STATEMENTS, *map(_expressions, range(NESTED + 1)), _WORDS])
    return made if len(made) <= _MOST else None


def _start(found: Place) -> str:
    """The lines of each open block, then what must or may close it, then those around it."""
    levels = [(0, ""), *found.blocks]
    out = ["start: " + '"\\n" ' * found.cut + f"rest{len(levels) - 1}\n"]
    for level, (width, kind) in enumerate(levels):
        new = found.empty and level == len(levels) - 1
        lines = _filled(width, kind) if new else f"line{width}*"
        around = f" after_{_AFTER.get(kind, 'nothing')}{levels[level - 1][0]} rest{level - 1}"
        out.append(f"rest{level}: {lines}{around if level else ''}\n")
    return "".join(out)


def _filled(width: int, kind: str) -> str:
    """The lines of a new block: one at least, and where a docstring may stand it may be that."""
    if kind not in ("def", "class"):
        return f"line{width}+"
    return f"({_at(width)}DOCSTRING NL line{width}* | line{width}+)"


def _at(width: int) -> str:
    return f'"{" " * width}" ' if width else ""


_AFTER = {"if": "if", "for": "for", "try": "try", "except": "except"}


def _lines(w: int, inner: int | None) -> str:
    """The rules of a line at so many columns; inner: those of a block in it."""
    at = _at(w)
    before = f"before{w}: BLANK{{0,2}} ({at}COMMENT){{0,2}}\n"
    if inner is None:
        return f"line{w}: before{w} {at}simple NL\n{before}"
    return f"""
line{w}: before{w} {at}(simple NL | compound{w})
{before}
compound{w}: "if " expr block{w} after_if{w} | loop{w} after_for{w} | "try" block{w} after_try{w}
    | "with " item (TCOMMA item)? block{w} | made{w} | ("@" primary NL {at}){{1,2}} made{w}
loop{w}: "for " names IN exprs block{w} | "while " expr block{w}
made{w}: made HEADER {_filled(inner, "def")}
block{w}: HEADER line{inner}+
after_nothing{w}:
after_if{w}: ({at}"elif " expr block{w})* after_for{w}
after_for{w}: ({at}"else" block{w})?
after_try{w}: except{w}+ after_for{w} finally{w}? | finally{w}
after_except{w}: except{w}* after_for{w} finally{w}?
except{w}: {at}"except" (" " expr (" as " NAME)?)? block{w}
finally{w}: {at}"finally" block{w}
"""


_STATEMENTS = r"""
simple: exprs | assigned | one (AUGMENTED expr | COLON expr (EQUALS expr)?)
    | "return" (" " exprs)? | "raise" (" " expr (" from " expr)?)? | "yield" (" " exprs)?
    | "del " one (TCOMMA one){0,2} | "pass" | "break" | "continue"
    | "assert " expr (TCOMMA expr)? | ("global " | "nonlocal ") NAME (TCOMMA NAME){0,3}
    | "import " dotted (" as " NAME)? | "from " dotted " import " known (TCOMMA known){0,4}
made: "def " NAME OPEN (CLOSE0 | params CLOSE) (" -> " expr)?
    | "class " NAME (OPEN (CLOSE0 | args CLOSE))?
assigned: ones EQUALS (ones EQUALS)? exprs
known: NAME (" as " NAME)?
dotted: NAME ("." NAME){0,3}
item: expr (" as " NAME)?
names: NAME (TCOMMA NAME){0,3}
ones: one (TCOMMA one){0,3}
one: NAME | NAME trailer{0,4} ("." NAME | subscript)
exprs: expr (TCOMMA expr){0,3}
params: plain (COMMA plain){0,5} (COMMA usual){0,5} (COMMA most)? (COMMA "**" NAME)?
    | usual (COMMA usual){0,5} (COMMA most)? (COMMA "**" NAME)? | most (COMMA "**" NAME)?
    | "**" NAME
most: "*" NAME (COMMA usual){0,3}
plain: NAME (COLON expr)?
usual: NAME (COLON expr)? EQUALS expr
"""


def _expressions(depth: int) -> str:
    # Within so many brackets, by the precedence of the operators; in the innermost no further ones.
    n, i = depth or "", depth + 1
    common = f"""
expr{n}: either{n} (IF either{n} ELSE expr{n})? | "lambda" (" " names)? COLON expr{n}
either{n}: negated{n} (BOTH negated{n}){{0,2}}
negated{n}: "not "? compared{n}
compared{n}: sum{n} ((IN | COMPARE) sum{n}){{0,2}}
sum{n}: signed{n} (SIGN signed{n}){{0,4}}
signed{n}: MINUS? (primary{n} | NUMBER)
primary{n}: atom{n} trailer{n}{{0,5}}
"""
    if depth == NESTED:
        return f"""{common}
atom{n}: literal | OPEN CLOSE0 | LIST LISTED0 | DICT ENDED0
trailer{n}: "." NAME | OPEN CLOSE0
literal: NAME | CONSTANT | STRING | BYTES | FORMATTED
"""
    return f"""{common}
atom{n}: literal | round{n} | square{n} | curly{n}
trailer{n}: "." NAME | OPEN (CLOSE0 | args{n} CLOSE | expr{i} each{i} CLOSE0) | subscript{n}
subscript{n}: "[" (expr{i} (TCOMMA expr{i}){{0,2}} | expr{i}? COLON expr{i}? (COLON expr{i}?)?) "]"
args{n}: given{i} (COMMA given{i}){{0,5}} (COMMA named{i}){{0,4}} | named{i} (COMMA named{i}){{0,4}}
given{i}: expr{i} | "*" sum{i} | STRING (BREAK STRING){{1,3}}
named{i}: NAME "=" expr{i} | "**" sum{i}
round{n}: OPEN (CLOSE0 | expr{i} (COMMA expr{i}){{0,6}} CLOSE | expr{i} each{i} CLOSE0)
square{n}: LIST (LISTED0 | expr{i} (COMMA expr{i}){{0,8}} LISTED | expr{i} each{i} LISTED0)
curly{n}: DICT (ENDED0 | expr{i} (COMMA expr{i}){{0,6}} ENDED | pair{i} (COMMA pair{i}){{0,6}} ENDED
    | (pair{i} | expr{i}) each{i} ENDED0)
pair{i}: expr{i} COLON expr{i}
each{i}: FOR names IN either{i} (IF either{i}){{0,2}}
"""


_PLAIN, _ESCAPED = r"[ !#-&(-\[\]-~]", r"\\[nrt\\'\"0]"
_BREAK = r"(\n {0,40})?"  # a line may end within brackets

_WORDS = rf'''
NAME: /[A-Za-z_][A-Za-z0-9_]{{0,30}}/ & ~/({"|".join(keyword.kwlist)})/
CONSTANT: "None" | "True" | "False"
NUMBER: /(0|[1-9][0-9]{{0,8}})(\.[0-9]{{1,6}})?|0x[0-9a-fA-F]{{1,8}}/
STRING: /r?"({_PLAIN}|'|{_ESCAPED}){{0,60}}"|r?'({_PLAIN}|"|{_ESCAPED}){{0,60}}'/
BYTES: /b"({_PLAIN}|'|{_ESCAPED}){{0,40}}"|b'({_PLAIN}|"|{_ESCAPED}){{0,40}}'/
FORMATTED: /f"([ !#-&(-\[\]-z|~]|\{{_?[a-z]{{1,20}}_[a-z]{{1,20}}(![rs])?\}}){{0,50}}"/
DOCSTRING: /"""[ !#-\[\]-~][ !#-\[\]-~\n]{{0,200}}"""/
COMMENT: /# ?[!-~][ -~]{{0,60}}\n/
BLANK: "\n"
NL: /(  # [ -~]{{1,60}})?\n/
HEADER: /:(  # [ -~]{{1,60}})?\n/
COLON: /: ?/
EQUALS: / ?= ?/
AUGMENTED: / ?(\+|-|\*|\/|\/\/|%|&|\||\^|<<|>>|\*\*)= ?/
SIGN: / ?(\+|-|\*|\/|\/\/|%|&|\||\^|<<|>>|\*\*) ?/
MINUS: "-" | "~"
COMPARE: / ?(==|!=|<|>|<=|>=) ?/ | " is " | " is not " | " not in "
IN: " in "
BOTH: " and " | " or "
IF: " if "
ELSE: " else "
FOR: " for "
TCOMMA: ", "
COMMA: /, ?{_BREAK}/
BREAK: /\n {{0,40}}/
OPEN: /\({_BREAK}/
CLOSE0: /{_BREAK}\)/
CLOSE: /,? ?{_BREAK}\)/
LIST: /\[{_BREAK}/
LISTED0: /{_BREAK}\]/
LISTED: /,? ?{_BREAK}\]/
DICT: /\{{{_BREAK}/
ENDED0: /{_BREAK}\}}/
ENDED: /,? ?{_BREAK}\}}/
'''
