"""The OWASP API Security Top 10 (2023): what stands against each risk, and which mutations take it away.

docs/owasp.md is drawn from here; the tests that it links are the mutations' own, so each fails without its defence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.security.mutation import Mutation
from tests.security.mutations import MUTATIONS
from tests.security.mutations.authorisation import BINDINGS, SCOPES
from tests.security.mutations.edge import BOUNDS, HIDDEN_REQUESTS
from tests.security.mutations.ownership import OWNERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Defence:
    """What is done against a risk, and the mutations without which it would not be."""

    text: str
    mutations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """One of the ten: `id` as OWASP writes it, and in a sentence or two how it concerns this service."""

    id: str
    title: str
    concerns: str
    defences: tuple[Defence, ...]


def _defence(text: str, *mutations: str) -> Defence:
    return Defence(text=text, mutations=mutations)


def _names(mutations: Iterable[Mutation]) -> tuple[str, ...]:
    return tuple(each.name for each in mutations)


def _risk(id: str, title: str, concerns: str, *defences: Defence) -> Risk:
    return Risk(id=id, title=title, concerns=concerns, defences=defences)


_KEPT_APART = ("callers use up each other's limit",)
_RATES = ("who is over its limit is served", "a batch costs nothing", "requests cost nothing", *_KEPT_APART)
_BY_ADDRESS = (
    "strangers may ask as often as they like",
    "orders count for no address",
    "whoever comes from many addresses fills the memory",
)
_BY_HEAD = (
    "who is over its limit has its body decoded",
    "the entries of a batch over the limit are read",
    "a large body is charged twice",
)
_PROXIES = ("anybody's X-Forwarded-For is believed", "a client chooses its address")

RISKS: tuple[Risk, ...] = (
    _risk(
        "API1:2023",
        "Broken object level authorization",
        "Orders belong to customers. A caller bound to one finds no other's, by whatever way it asks.",
        _defence("Every read and every move names the owner, in the query itself", *_names(OWNERS)),
        _defence("A cursor belongs to one list, and shows nothing more", "a cursor of one list serves another"),
    ),
    _risk(
        "API2:2023",
        "Broken authentication",
        "API keys of 256 random bits, of which the database has a digest.",
        _defence(
            "An API key opens only with its whole secret, compared in constant time",
            "any secret opens",
            "secrets are compared in a time that tells of them",
            "an unknown id is answered sooner",
            "a remembered key opens with any secret",
            "all secrets are the same",
        ),
        _defence(
            "Only digests are stored; an API key is shown once",
            "the secret itself is stored",
            "a key is shown by its repr",
            "a refused secret is logged",
        ),
        _defence(
            "An expiry is honoured at once, a revocation within five seconds",
            "an expired key opens",
            "a remembered key outlives its expiry",
            "a revoked key opens",
            "the state of a key is not looked at",
            "a key is believed for a minute",
            "a key in use is not read again",
            "a revocation is not told to the cache",
        ),
        _defence("A name is given once", "a name is given twice", "a key acts under the worker's name"),
        _defence(
            "Failed attempts are limited by address, an IPv6 network as one",
            "bad keys are not counted",
            "an address with too many failed attempts is looked up all the same",
            "failed attempts are unlimited unless somebody says so",
            "every address of an IPv6 network has failed attempts of its own",
            "whoever names an id that opened here may go on failing",
        ),
        _defence(
            "Failed attempts and stale API keys shut out nobody else at the same address",
            "failed attempts shut out those who have opened here",
            "a stale client shuts out the others at its address",
            "a key that has ended counts as a failed attempt",
        ),
        _defence("Every wrong API key gets the same text", "a 401 tells what is wrong with a key"),
        _defence(
            "An API key comes in one header only, and without one nobody is served",
            "whoever brings no key is let in",
            "a key is taken from the URL",
        ),
        _defence(
            "Without API keys only this machine is served; the start and each request check it",
            "without keys everybody is served",
            "keys are asked for nowhere unless somebody says so",
            "without keys a proxy brings strangers",
            "without keys another machine is served",
            "without keys any name leads here (DNS rebinding)",
            "without keys a page of any site may ask",
        ),
    ),
    _risk(
        "API3:2023",
        "Broken object property level authorization",
        "Documents are read and shown field by field, never bound to rows.",
        _defence(
            "Unknown fields and parameters are refused, so nobody sets an id, a status or a secret",
            "unknown fields of an order are passed over",
            "unknown fields of other bodies are passed over",
            "unknown parameters are passed over",
        ),
    ),
    _risk(
        "API4:2023",
        "Unrestricted resource consumption",
        "Everything has a bound. Each process refuses early what it has no room for.",
        _defence(
            "Bodies, heads, URLs, connections and requests in flight are bounded",
            *_names(BOUNDS),
        ),
        _defence("Rate limits by caller, a unit per order", *_RATES),
        _defence("Requests are charged by their heads, before anything is decoded", *_BY_HEAD),
        _defence("Requests of an address are limited before the caller is known", *_BY_ADDRESS),
        _defence("Limits by address count the client's own address, not the one that it claims", *_PROXIES),
        _defence(
            "Depth, numbers, lines, batches, pages, rows and messages are bounded",
            "JSON is nested without bound",
            "numbers are of any length",
            "an order has any number of lines",
            "a batch has any number of orders",
            "a page has any number of items",
            "a row of an import has any length",
            "a message has any size",
        ),
    ),
    _risk(
        "API5:2023",
        "Broken function level authorization",
        "Every use case asks for its scope, whoever drives it. Tests try [the matrix](authorisation.md) cell by cell.",
        _defence("Each use case requires its scope", *_names(SCOPES)),
        _defence("What shows all customers is for callers bound to none", *_names(BINDINGS)),
    ),
    _risk(
        "API6:2023",
        "Unrestricted access to sensitive business flows",
        "Buying out a product is the flow to abuse. A limit by caller and bounds on an order make it slow and "
        "visible. Only the shop in front can tell a person from a robot.",
        _defence("Placing is limited by caller, and a batch costs its orders", *_RATES[:2]),
        _defence("Quantities and lines are bounded", "a quantity has no bound", "an order has any number of lines"),
    ),
    _risk(
        "API7:2023",
        "Server side request forgery",
        "Does not apply: no input holds an address that is asked. The settings alone name what is connected to.",
        _defence("The service imports no HTTP client", "the core asks an address that it was given"),
    ),
    _risk(
        "API8:2023",
        "Security misconfiguration",
        "The defaults are safe. An unsafe setting stops the start.",
        _defence(
            "Headers for browsers; CORS off unless an origin is named",
            "any site reads what only named ones may",
            "sites may read answers though none is named",
            "answers carry no X-Content-Type-Options",
            "answers carry no Content-Security-Policy",
            "answers carry no Cross-Origin-Resource-Policy",
            "answers carry no Referrer-Policy",
            "browsers may leave TLS",
            "answers are kept in caches",
        ),
        _defence(
            "No internals in answers, no banner",
            "a defect is told with its words",
            "answers name hosts and files",
            "the server names its make",
        ),
        _defence(
            "Secrets are masked in logs, errors and `config show`",
            "logs hold API keys",
            "logs hold passwords",
            "logs are written as they come",
            "settings are shown with their passwords",
            "a wrong URL is quoted",
        ),
        _defence("Nobody forges a line of the log", "a path forges a line of the log"),
        _defence("Heads that two servers could read differently are refused", *_names(HIDDEN_REQUESTS)),
        _defence("Only the documented media types are read", "a body of any type is read", "a compressed body is read"),
        _defence("TLS is spoken where it is set", "TLS is asked for and not spoken"),
    ),
    _risk(
        "API9:2023",
        "Improper inventory management",
        "One version under `/v1`. `/openapi.json` is made from the one table of routes; nothing else is served.",
        _defence("A route that is not documented fails the build", "a route is not documented"),
    ),
    _risk(
        "API10:2023",
        "Unsafe consumption of APIs",
        "No API of others is consumed. What comes from the broker is input like any other. The services that are "
        "connected to are verified.",
        _defence(
            "The decoder of the bodies reads messages, and dead-letters those that it cannot read",
            "messages are read by another decoder",
            "a command without a key is taken as often as it comes",
            "NaN is a number",
            "a key may stand twice",
            "texts hold control characters",
            "true is a whole number",
        ),
        _defence(
            "Certificates of the broker are verified, whatever the URL says",
            "a broker need not be who it should be",
        ),
        _defence(
            "An export runs nothing in a spreadsheet, and foreign text nothing on a terminal",
            "spreadsheets run cells",
            "foreign text steers a terminal",
        ),
    ),
)


def mutations_of(defence: Defence) -> tuple[Mutation, ...]:
    """Give a defence's mutations. Raises KeyError for a name that none has."""
    by_name = {each.name: each for each in MUTATIONS}
    return tuple(by_name[name] for name in defence.mutations)
