"""From granian's event loop to a WSGI application: a thread is taken only by a request that is all there."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from functools import partial
from io import BytesIO
from types import MappingProxyType
from typing import Any

from oms_http.edge.telemetry import log_answer, request_id
from oms_http.server.admission import Place
from oms_http.server.answer_room import AnswerRoom
from oms_http.server.answers import Answer, WsgiRunner
from oms_http.server.bodies import BodyReceiver
from oms_http.server.cores import take_core
from oms_http.server.early_refusals import (
    LAST_OF_CONNECTION,
    OVERLOADED,
    TOO_MANY,
    Refusal,
    RefusedError,
    UnwelcomeError,
)
from oms_http.server.environ import base_environ, wsgi_environ
from oms_http.server.heads import check_head, check_path
from oms_http.server.options import ServerOptions, WsgiService
from oms_http.server.pools import Pool, Pools
from oms_http.server.process import (
    cut_off_who_takes_nothing,
    give_large_blocks_back,
    leave_alone_what_stays,
    on_stop_signal,
    raise_file_limit,
    release_stop_signals,
    stop_with_parent,
)
from oms_http.server.rsgi import HTTPProtocol, Scope
from oms_http.server.sending import AnswerSender
from oms_http.server.stops import announce_stops
from oms_http.server.stores import SpoolDirectory

# Who asks again at once, in spite of a refusal, waits for the next one: a refusal costs half of what an order does.
HOLD_SECONDS: Mapping[int, float] = MappingProxyType({401: 0.1, 429: 0.1})
RETRY_LATER = frozenset({OVERLOADED.status, TOO_MANY.status})

_log = logging.getLogger(__name__)


class Bridge:
    """One worker process: an RSGI application around a WsgiService. granian calls the methods with underscores."""

    def __init__(self, service: WsgiService, options: ServerOptions) -> None:
        self._service = service
        self._options = options
        self._base = base_environ(processes=options.processes, threads=options.threads)
        self._spools = SpoolDirectory(places=options.spools_max, directory=options.spool_directory)
        self._bodies = BodyReceiver(options, self._spools)
        self._draining = False  # A stop was announced, or has begun.
        self._stopping = False

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the threads, before the port is bound."""
        self._loop = loop
        self._core = take_core(self._options)
        room = AnswerRoom(
            places=self._options.answers_max,
            bytes_max=self._options.answers_bytes_max,
            wait_seconds=self._options.answer_wait_seconds,
        )
        files = AnswerRoom(
            places=self._options.answer_files_max,
            bytes_max=self._options.answer_files_bytes_max,
            wait_seconds=self._options.answer_wait_seconds,
        )
        self._sender = AnswerSender(
            static_max=self._options.static_answers_max,
            send_timeout_seconds=self._options.send_timeout_seconds,
        )
        runner = WsgiRunner(
            app=self._service.app,
            answer_headers=self._service.answer_headers,
            room=room,
            bytes_max=self._options.answer_bytes_max,
            file_room=files,
        )
        self._pools = Pools(runner, self._options, loop, self._service.joins_batch)
        raise_file_limit(self._options)
        give_large_blocks_back()
        leave_alone_what_stays()
        cut_off_who_takes_nothing(options=self._options, loop=loop)
        stop_with_parent(loop)
        on_stop_signal(self._hear_stop)
        announce_stops(loop, self._options.lame_duck_seconds, self._announce_stop)
        loop.call_soon(release_stop_signals)

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """End the threads and close the service, after the last connection is done."""
        self._close(timeout_seconds=self._options.graceful_timeout_seconds)

    async def __rsgi__(self, scope: Scope, proto: HTTPProtocol) -> None:
        """Answer one request."""
        name = request_id(scope.headers.get("x-request-id"))
        path = scope.path
        pool = self._pools.of(path, scope.method)
        if pool.full:
            if pool.hold_seconds:
                await asyncio.sleep(pool.hold_seconds)
            self._refuse(scope, proto, OVERLOADED, name, pool)
            return
        try:
            check_path(path)
            environ = wsgi_environ(self._base, scope, path)
            check_head(environ, target_bytes_max=self._options.target_bytes_max)
            environ["oms.request_id"] = name
            welcome = partial(self._welcome, pool, environ, proto)
            body = await self._bodies.receive(proto, environ, pool.body_limit, welcome)
        except UnwelcomeError:
            await self._bodies.discard(proto)
            return
        except RefusedError as error:
            self._refuse(scope, proto, error.refusal, name, pool)
            if error.refusal.body_unread:
                await self._bodies.discard(proto)
            return
        try:
            if pool.full:
                self._refuse(scope, proto, OVERLOADED, name, pool)
                return
            environ["wsgi.input"] = body.input
            environ["oms.draining"] = self._draining
            answer = await self._answer(pool, environ)
        finally:
            body.release()
        if hold_seconds := pool.hold_seconds or HOLD_SECONDS.get(answer.status):
            await asyncio.sleep(hold_seconds)
        if self._sender.has_room(answer):
            await self._sender.send(proto, answer)
        else:
            self._refuse(scope, proto, OVERLOADED, name, pool)

    async def _welcome(self, pool: Pool, environ: dict[str, Any], proto: HTTPProtocol) -> str | None:
        """Ask the application whether it would take a large body of this caller, before it costs memory or disk.

        It is called with `oms.head_only`: unless it sets `oms.welcome`, which it gets back with the body, it has
        answered. Raise UnwelcomeError after that was sent.
        """
        if not self._service.checks_heads:
            return None
        head = {
            **environ,
            "oms.head_only": True,
            "oms.draining": self._draining,
            "CONTENT_LENGTH": "0",
            "wsgi.input": BytesIO(),
        }
        answer = await pool.threads.answer(head)
        if not head.get("oms.welcome"):
            headers = [*answer.headers, LAST_OF_CONNECTION]
            await self._sender.send(proto, answer._replace(headers=headers))
            raise UnwelcomeError
        environ["oms.welcome"] = head["oms.welcome"]
        owner: str | None = head.get("oms.caller")
        return owner

    async def _answer(self, pool: Pool, environ: dict[str, Any]) -> Answer:
        place = Place(pool.limit, self._loop)
        environ["oms.begin_waiting"] = place.begin_waiting
        if not pool.is_measured:
            place.leave()
        try:
            answer = await pool.threads.answer(environ)
        finally:
            place.end()
        return answer._replace(headers=[*answer.headers, LAST_OF_CONNECTION]) if self._draining else answer

    def _refuse(self, scope: Scope, proto: HTTPProtocol, refusal: Refusal, name: str, pool: Pool) -> None:
        given = self._service.answer_headers.of(scheme=scope.scheme, origin=scope.headers.get("origin"))
        headers = [*refusal.headers(name), *given]
        if self._draining and LAST_OF_CONNECTION not in headers:
            headers.append(LAST_OF_CONNECTION)
        if refusal.status in RETRY_LATER:
            measure = self._options.retry_after_seconds
            seconds = measure() if measure else pool.limit.drain.retry_after_seconds(pool.limit.in_flight)
            headers.append(("retry-after", str(seconds)))
        proto.response_bytes(refusal.status, headers, refusal.body(name))
        self._service.on_refusal(scope.method, refusal.status)
        log_answer(scope.method, scope.path, refusal.status, request_id=name)

    def _hear_stop(self) -> None:
        """Run as a signal's handler, before the loop runs what else came with the signal."""
        if not self._stopping:
            self._stopping = True
            self._loop.call_soon_threadsafe(self._drain)

    def _announce_stop(self) -> None:
        if self._stopping:
            return
        self._draining = True
        seconds = self._options.lame_duck_seconds
        _log.info("a stop was asked for: requests are still taken for %g seconds, unless another signal comes", seconds)

    def _drain(self) -> None:
        """Set granian a term: it ends idle connections at once, but waits for half-sent heads and slow readers."""
        self._draining = True
        self._loop.call_later(self._options.graceful_timeout_seconds, self._give_up)

    def _give_up(self) -> None:
        _log.warning("connections were still open after %d seconds", self._options.graceful_timeout_seconds)
        self._close(timeout_seconds=1)
        logging.shutdown()
        os._exit(0)

    def _close(self, *, timeout_seconds: float) -> None:
        self._pools.close(timeout_seconds=timeout_seconds)
        self._spools.close()
        self._service.close()
        if self._core is not None:
            self._core.close()
