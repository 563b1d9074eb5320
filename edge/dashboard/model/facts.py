"""What the bundle says of itself."""

from edge.bundle import Bundle
from edge.dashboard.values import printable

Fact = tuple[str, str]


def facts_of(bundle: Bundle) -> tuple[Fact, ...]:
    """Name and value of each fact, for a list."""
    manifest = bundle.manifest
    entry, companion = manifest.preprocessing, manifest.companion
    rows, columns = companion.grid
    return tuple(
        (name, printable(value) or "–")
        for name, value in (
            ("Made", _moment(manifest.created_at)),
            ("Commit", manifest.source.commit[:12]),
            ("Recipe", manifest.source.recipe_sha256[:12]),
            ("Classifier", bundle.sha256[:12]),
            ("Labels", len(bundle.labels)),
            ("Input", f"{entry.size_px} x {entry.size_px} px, {entry.resize}, {entry.colour}"),
            (
                "Grad-CAM",
                f"{companion.layer}, {rows} x {columns}, {companion.pooling} pooling",
            ),
            ("Positive weight", f"{manifest.positive_weight:g}"),
        )
    )


def files_of(bundle: Bundle) -> tuple[tuple[str, str, str], ...]:
    """Role, size and the beginning of the SHA-256 of each file."""
    files = sorted(bundle.manifest.files.items(), key=lambda item: -item[1].bytes)
    return tuple(
        (printable(role) or "", size(entry.bytes), entry.sha256[:12]) for role, entry in files
    )


def size(count: int) -> str:
    """Bytes as people say them."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e3:.0f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"


def _moment(iso: str) -> str:
    return iso.replace("T", " ", 1).replace("+00:00", " UTC")
