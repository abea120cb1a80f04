"""What a failed assertion saw, in words: the condition as it is written and the values on its sides.

pytest does that by rewriting modules as it imports them; `make verify-vcenter` runs without pytest, against a server on
which one run is all there is. So the values are read once more, before anything is cleaned up.
"""

import ast
import linecache
from collections.abc import Iterator
from types import FrameType, TracebackType

__all__ = ["seen"]

_WIDEST = 300


def seen(error: BaseException) -> str:
    """Return the text of an assertion, or what its condition was and what stood on its sides."""
    if str(error):
        return str(error)
    if error.__traceback__ is None:
        return "an assertion without a place"
    trace = _innermost(error.__traceback__)
    frame = trace.tb_frame
    statement = _statement(frame, trace.tb_lineno)
    if statement is None:
        return f"line {trace.tb_lineno} of {frame.f_code.co_name}"
    values = [f"{text} is {value}" for text, value in _values(statement.test, frame)]
    return "; ".join([f"expected: {ast.unparse(statement.test)}", *values])


def _innermost(trace: TracebackType) -> TracebackType:
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def _statement(frame: FrameType, line: int) -> ast.Assert | None:
    source = "".join(linecache.getlines(frame.f_code.co_filename))
    asserts = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert))
    return next((node for node in asserts if node.lineno <= line <= (node.end_lineno or node.lineno)), None)


def _values(condition: ast.expr, frame: FrameType) -> Iterator[tuple[str, str]]:
    sides = [condition.left, *condition.comparators] if isinstance(condition, ast.Compare) else [condition]
    if isinstance(condition, ast.UnaryOp):
        sides = [condition.operand]
    if isinstance(condition, ast.BoolOp):
        sides = condition.values
    for side in sides:
        # A call may change the server; a constant says all in the text.
        if isinstance(side, ast.Constant) or any(isinstance(node, ast.Call) for node in ast.walk(side)):
            continue
        text = ast.unparse(side)
        names = {**frame.f_globals, **frame.f_locals}
        try:
            value = repr(eval(text, names))  # noqa: S307 - a piece of our own source, in its own frame
        except Exception as error:  # noqa: BLE001 - anything that reading a property may raise; it is told
            value = f"not to be read any more ({type(error).__name__})"
        yield text, value if len(value) <= _WIDEST else f"{value[:_WIDEST]} …"
