"""All that people reach: the pages, who may open them, and what serves them."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from flask import Blueprint

from edge.access.sessions import Limits
from edge.access.store import AccessStore, access_path
from edge.board import Board, Requests
from edge.bundle import Bundle
from edge.config import Config
from edge.corrections.corrections import Corrections
from edge.dashboard import create_app
from edge.dashboard.access.gate import Gate
from edge.dashboard.bins.pages import blueprint as bin_pages
from edge.dashboard.health.pages import blueprint as health_pages
from edge.dashboard.health.views import Settings as HealthSettings
from edge.dashboard.hosts import Hosts
from edge.dashboard.items.pages import blueprint as items_pages
from edge.dashboard.machine.pages import blueprint as machine_pages
from edge.dashboard.model.pages import blueprint as model_pages
from edge.dashboard.study.pages import blueprint as study_pages
from edge.domain import Frame
from edge.health.looking import Looking
from edge.serving import address_of, check_open_to_others, listen, server_of
from edge.study.child import Maker
from edge.study.studies import Studies, studies_beside
from edge.swap.settings import places_of, refuse_pending
from edge.swap.starting import Live
from edge.swap.swapper import Swapper
from edge.tuning.checking import check_text, checked
from edge.tuning.file import SettingsFile
from edge.tuning.settings import Checked


class Front:
    """The pages and their server. It listens from the beginning, and answers from `run` on.

    Args:
        config: The device's.
        live: The model that runs, as it was read.
        bundle: The same with thresholds of one's own.
        board: What to show.
        requests: Where wishes go.
        whole: The newest frame before the region was cut; None before the first.
        restart: Starts the device anew.

    Raises:
        AccessError: The users cannot be read.
        ConfigError: The port is in use, nobody has a password, or TLS cannot be served.
    """

    def __init__(
        self,
        config: Config,
        live: Live,
        bundle: Bundle,
        board: Board,
        requests: Requests,
        *,
        whole: Callable[[], Frame | None],
        restart: Callable[[], None],
    ) -> None:
        self._config, self._live, self._bundle = config, live, bundle
        self._board, self._requests = board, requests
        self._whole, self._restart = whole, restart
        with ExitStack() as owned:
            store = owned.enter_context(AccessStore(access_path(config.journal.path)))
            self._gate = Gate.over(store, Limits(idle_s=config.dashboard.session_hours * 3600))
            check_open_to_others(config.dashboard, self._gate)
            self._socket = listen(config.dashboard.host, config.dashboard.port)
            owned.callback(self._socket.close)
            self.dashboard = create_app(
                board,
                requests,
                bundle.preprocessing,
                self._gate,
                pages=self._pages(owned),
                hosts=Hosts(config.dashboard.names, config.dashboard.host),
                secure=bool(config.dashboard.certificate),
            )
            self._server = server_of(self.dashboard, self._socket, config.dashboard)
            owned.callback(self._server.close)
            self._owned = owned.pop_all()

    @property
    def address(self) -> str:
        """Where the page is."""
        return address_of(self._socket, self._config.dashboard)

    @property
    def set_up_token(self) -> str | None:
        """With what the first admin is made on the page; None where there are users."""
        return self._gate.set_up.token

    def run(self) -> None:
        """Answer until `end`."""
        self._server.run()

    def end(self) -> None:
        """Ask it to end, from another thread."""
        self._server.end()

    def close(self) -> None:
        """Let go of everything. Safe to call twice."""
        self._owned.close()

    def _pages(self, owned: ExitStack) -> list[Blueprint]:
        config, journal = self._config, self._config.journal.path
        sources = config.dashboard.study_sources
        studies = Studies(studies_beside(journal))
        maker = Maker(studies, self._bundle.folder, journal, Path(sources) if sources else None)
        owned.callback(maker.close)
        swapper = Swapper(places_of(config), self._restart)
        owned.callback(swapper.close)
        hot_c = config.explain.settings.limits.celsius[1]
        settings = _settings_file(config, self._live.bundle)
        return [
            bin_pages(self._board, journal, config.policy),
            machine_pages(
                self._board, self._requests, journal, settings, self._whole, self._restart
            ),
            items_pages(journal, Corrections(journal), self._board, lambda: config.policy),
            study_pages(studies, maker, self._gate.limit_attempts),
            model_pages(swapper, self._live, self._bundle),
            health_pages(
                self._board, Looking(journal), HealthSettings(hot_c, config.kept.min_free_mb)
            ),
        ]


def _settings_file(config: Config, bundle: Bundle) -> SettingsFile:
    def check(text: str) -> Checked:
        refuse_pending(places_of(config), bundle.folder)
        return check_text(config.path, bundle, text)

    return SettingsFile(config.path, check, checked(config, bundle))
