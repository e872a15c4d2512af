"""Formulas of config files: what they compute, what they refuse, how time is split off."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from solvers.config.expression import Expression, ExpressionError, parse
from solvers.config.time_factor import separate

XYT = ("x", "y", "t")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2*x - y/4", 1 + 2 * 0.3 - 0.7 / 4),
        ("-x**2", -(0.3**2)),
        ("2**-x", 2**-0.3),
        ("sin(pi*x)**2 * cos(pi*t)", math.sin(math.pi * 0.3) ** 2 * math.cos(math.pi * 0.5)),
        ("exp(1) - e", 0.0),
        ("asin(x) + acos(x) + atan2(y, x)", math.pi / 2 + math.atan2(0.7, 0.3)),
        ("sinh(x) + cosh(x) - tanh(x) - exp(x)", -math.tanh(0.3)),
        ("log10(100) + log(e) + sqrt(abs(-4))", 5.0),
        ("min(x, y, 0.1) + max(x, y, 0.1)", 0.8),
        ("floor(y) + ceil(y) + sign(-y)", 0.0),
        ("heaviside(x - 0.3) + heaviside(y) + heaviside(-y)", 1.5),
        ("erf(x)", math.erf(0.3)),
        ("where(x < y, 2, 3)", 2.0),
        ("1 if x < y else 0", 1.0),
        ("x < y and not y < 1", 0.0),
        ("0 < x < 1", 1.0),
        ("0 < x < 0.2 or y == 0.7", 1.0),
        ("(x < y) + (x < 1) * 2", 3.0),
        ("2*width + 1/0 if x > 1 else width", 0.25),
    ],
)
def test_values_agree_with_python_in_numpy_and_jax(text, expected):
    expression = parse(text, XYT, {"width": 0.25})
    assert expression.evaluate(np, 0.3, 0.7, 0.5) == pytest.approx(expected, abs=1e-14)
    with jax.enable_x64(True):
        assert float(expression(0.3, 0.7, 0.5)) == pytest.approx(expected, abs=1e-14)


def test_the_result_has_the_shape_and_type_of_the_arguments():
    x, y = np.linspace(0, 1, 3)[:, None], np.linspace(0, 1, 4)[None, :]
    for text in ("2", "x", "x < y"):
        assert parse(text, ("x", "y")).evaluate(np, x, y).shape == (3, 4)
        value = parse(text, ("x", "y"))(jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32))
        assert value.shape == (3, 4)
        assert value.dtype == jnp.float32


def test_single_precision_is_not_promoted_even_strictly():
    expression = parse("where(x > 0, erf(x), 1) * heaviside(x) + (x < 2) * 3 + max(x, 1) ** 2 + pi", ("x",))
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        assert expression(jnp.ones(3, jnp.float32)).dtype == jnp.float32


def test_expressions_can_be_differentiated_and_compiled():
    assert jax.jit(jax.grad(parse("x**3", ("x",))))(2.0) == pytest.approx(12.0)


def test_equal_formulas_are_one_static_argument():
    a, b = parse("sin(x)*2", ("x",)), parse("sin( x ) * two", ("x",), {"two": 2.0})
    assert a == b
    assert hash(a) == hash(b)
    assert a != parse("sin(x)*3", ("x",))
    assert a != parse("sin(x)*2", ("x", "y"))


@pytest.mark.parametrize(
    ("text", "message", "caret_at"),
    [
        ("x + sni(y)", "did you mean sin?", 4),
        ("x + widht", "did you mean width?", 4),
        ("é + x", "unknown name 'é'", 0),
        ("x*é + zz", "unknown name 'é'", 2),
        ("x + sin", "sin is a function", 4),
        ("atan2(x)", "takes 2 arguments, found 1", 0),
        ("sin(x, y)", "takes 1 argument, found 2", 0),
        ("y^2", "write a power as x**2", 0),
        ("exp(x", "never closed", 3),
        ("", "empty", 0),
        ("x if y", "broken expression", 0),
        ("1 + 'a'", "expected a number", 4),
        ("x + True", "expected a number", 4),
        ("__import__('os').system('true')", "cannot be used", 0),
        ("x.real", "cannot be used", 0),
        ("[x for x in y]", "cannot be used", 0),
        ("(lambda: 1)()", "cannot be used", 0),
        ("x is y", "cannot be used", 0),
        ("min(*x)", "takes at least 2", 0),
        ("sin(x=1)", "takes 1 argument", 0),
    ],
)
def test_mistakes_are_pointed_at(text, message, caret_at):
    with pytest.raises(ExpressionError) as caught:
        parse(text, ("x", "y"), {"width": 1.0})
    first, shown, caret = str(caught.value).split("\n")
    assert message in first
    assert shown == f"    {text}"
    assert caret.index("^") - 4 == caret_at


@pytest.mark.parametrize("text", ["(" * 300 + "x" + ")" * 300, "+".join(["x"] * 20000), "x\0", "-" * 5000 + "x"])
def test_monsters_are_refused_in_few_words(text):
    with pytest.raises(ExpressionError) as caught:
        parse(text, ("x",))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(("text", "expected"), [("9**9**9", np.inf), ("(-1)**0.5", np.nan), ("1/0", np.inf)])
def test_constants_follow_floating_point(text, expected):
    np.testing.assert_equal(parse(text).constant, expected)


@pytest.mark.parametrize(
    ("texts", "space", "factor"),
    [
        (["sin(pi*x)**2*sin(pi*y)**2*cos(pi*t/2)/pi"], "sin(pi*x)**2*sin(pi*y)**2/pi", "cos(pi*t/2)"),
        (["-cos(t)*x/(y*(1 + t))"], "-x/y", "cos(t)/(1 + t)"),
        (["-cos(t)*x", "3*cos(t)*y", "cos(t)/2"], "-x", "cos(t)"),
        (["x*(1 + t)"], "x", "1 + t"),
        (["x*exp(-t) - exp(-t)*y"], "x - y", "exp(-t)"),
        (["2*x*y"], "2*x*y", "1"),
        (["cos(t)"], "1", "cos(t)"),
        (["-y*cos(t)*t", "0", "t*x*cos(t)"], "-y", "t*cos(t)"),
    ],
)
def test_a_factor_in_time_is_split_off(texts, space, factor):
    expressions = [parse(text, XYT) for text in texts]
    split = separate(expressions)
    assert split is not None
    spaces, time = split
    assert time.evaluate(np, 0.4) == pytest.approx(float(parse(factor, ("t",)).evaluate(np, 0.4)))
    assert spaces[0].arguments == ("x", "y")
    assert spaces[0].evaluate(np, 0.3, 0.7) == pytest.approx(float(parse(space, ("x", "y")).evaluate(np, 0.3, 0.7)))
    for part, whole in zip(spaces, expressions, strict=True):
        product = part.evaluate(np, 0.3, 0.7) * time.evaluate(np, 0.4)
        assert product == pytest.approx(float(whole.evaluate(np, 0.3, 0.7, 0.4)))


@pytest.mark.parametrize("texts", [["sin(x - t)"], ["x + t"], ["x*cos(t)", "y*sin(t)"], ["x*cos(t)", "y"]])
def test_what_is_no_product_stays_whole(texts):
    assert separate([parse(text, XYT) for text in texts]) is None


def test_no_time_at_all_is_the_same_constant_for_all():
    split = separate([parse("x", XYT), parse("0", XYT)])
    assert split is not None
    assert isinstance(split[1], Expression)
    assert split[1].constant == 1.0
