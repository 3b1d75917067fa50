# Private to awsome.training: its API may change without notice.
"""What a run was worth: result.json for machines, and one page of HTML that needs nothing but itself, for people."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._launch.chart import Series, line_chart, share_bar
from ansible_collections.awsome.training.plugins.module_utils._launch.events import Run, duration
from ansible_collections.awsome.training.plugins.module_utils._launch.report_style import STYLE
from ansible_collections.awsome.training.plugins.module_utils._launch.slurm_job import Job
from ansible_collections.awsome.training.plugins.module_utils._launch.verdict import Verdict

SPLIT = ("data", "forward", "backward", "optimizer")
LOG_LINES = 40
NONE = "\u2013"
WARM_UP = 2  # the first steps of a job compile, allocate and fill caches: means leave them out


def result(run: Run, job: Job, verdict: Verdict, hosts: Sequence[str], run_dir: str) -> dict[str, Any]:
    """Everything the page says, as data."""
    start = run.start
    return {
        "ok": verdict.ok,
        "sentence": verdict.sentence,
        "workload": start.get("workload", ""),
        "recipe": start.get("recipe", ""),
        "run_dir": run_dir,
        "job": job.as_dict(),
        "hosts": list(hosts),
        "summary": summary(run),
        "start": dict(start),
        "num_starts": len(run.starts),
        "failure": {
            "node": verdict.failure.node,
            "exit_code": verdict.failure.exit_code,
            "lines": [] if verdict.ok else list(verdict.failure.lines),
        },
        "not_checked": not_checked(run, job),
    }


def summary(run: Run) -> dict[str, Any]:
    """Losses, throughput and memory; null is what was not measured."""
    steps = [run.steps[step] for step in sorted(run.steps)]
    warm = steps[WARM_UP:] or steps
    last_validation = run.validations[max(run.validations)] if run.validations else {}
    return {
        "steps": run.last_step,
        "max_steps": run.max_steps,
        "first_loss": _number_or_none(steps[0]["loss"]) if steps else None,
        "last_loss": _number_or_none(steps[-1]["loss"]) if steps else None,
        "validation_loss": _number_or_none(last_validation.get("validation_loss")),
        "loss_broke_at_step": next((step["step"] for step in steps if not _is_number(step["loss"])), None),
        "tokens_per_second": _mean(warm, "tokens_per_second"),
        "mfu": _mean(warm, "mfu"),
        "step_seconds": _mean(warm, "step_seconds"),
        "split_seconds": {part: _mean(warm, f"{part}_seconds") for part in SPLIT},
        "peak_memory_bytes": max((step["memory_bytes"] for step in steps if step.get("memory_bytes")), default=None),
        "checkpoints": len(run.checkpoints),
    }


def one_line(figures: Mapping[str, Any]) -> str:
    """The figures that somebody reads who reads only one line."""
    parts = [f"{figures['steps']} steps"]
    if figures["last_loss"] is not None:
        parts.append(f"loss {figures['first_loss']:.4f} -> {figures['last_loss']:.4f}")
    if figures["validation_loss"] is not None:
        parts.append(f"validation loss {figures['validation_loss']:.4f}")
    if figures["tokens_per_second"] is not None:
        parts.append(f"{figures['tokens_per_second']:,.0f} tokens/s")
    return ", ".join(parts)


def not_checked(run: Run, job: Job) -> list[str]:
    """What nobody looked at, so that silence is not taken for a good answer."""
    told = []
    if job.source != "sacct":
        told.append(f"The exit code was told by {job.source}: the accounting did not know the job.")
    if not run.start.get("peak_flops_per_device"):
        told.append("Utilisation (MFU): nobody knows the peak of these processors.")
    if not run.validations:
        told.append("Validation loss: the run measured none.")
    if not any(step.get("memory_bytes") for step in run.steps.values()):
        told.append("Memory: the run measured none.")
    told.append("The network between the nodes: its speed was not measured here.")
    return told


def as_json(found: Mapping[str, Any]) -> str:
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def page(run: Run, found: Mapping[str, Any], log: Sequence[str] = ()) -> str:
    """The whole page."""
    title = f"{found['workload'] or 'training'} {found['recipe']}".strip()
    body = [
        _headline(title, found),
        _tiles(found["summary"], found["job"]),
        "" if found["ok"] else _log(found, log),
        _charts(run, found["summary"]),
        '<div class="columns">',
        _table("Job", _job_rows(found)),
        "<div>",
        _table("Training", _run_rows(found["start"])),
        _nodes(found["hosts"], found["start"]),
        "</div></div>",
        "<section><h2>Not checked</h2><ul>"
        + "".join(f"<li>{escape(line)}</li>" for line in found["not_checked"])
        + "</ul></section>",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


def _headline(title: str, found: Mapping[str, Any]) -> str:
    word, style = ("Trained to the end", "good") if found["ok"] else ("Not completed", "bad")
    again = f" It took {found['num_starts']} jobs." if found["num_starts"] > 1 else ""
    broke = found["summary"]["loss_broke_at_step"]
    again += f" The loss is no number from step {broke} on." if broke else ""
    return (
        f'<header class="{style}"><p class="what">{escape(title)}</p><h1>{word}</h1>'
        f"<p>{escape(found['sentence'][:1].upper() + found['sentence'][1:])}{again}</p></header>"
    )


def _tiles(figures: Mapping[str, Any], job: Mapping[str, Any]) -> str:
    steps = f"{figures['steps']:,}" + (f" of {figures['max_steps']:,}" if figures["max_steps"] else "")
    loss = f"{_number(figures['first_loss'], '.3f')} → {_number(figures['last_loss'], '.3f')}"
    tiles = [
        ("Steps", steps),
        ("Training loss", loss),
        ("Validation loss", _number(figures["validation_loss"], ".3f")),
        ("Tokens per second", _number(figures["tokens_per_second"], ",.0f")),
        ("Utilisation (MFU)", _number(figures["mfu"], ".1%")),
        ("Memory of a process", _bytes(figures["peak_memory_bytes"])),
        ("Job took", duration(job["elapsed_seconds"]) if job["elapsed_seconds"] is not None else NONE),
    ]
    cells = [f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in tiles]
    return f'<dl class="tiles">{"".join(cells)}</dl>'


def _charts(run: Run, figures: Mapping[str, Any]) -> str:
    def of(table: Mapping[int, Any], key: str) -> list[tuple[float, float]]:
        points = [(float(step), table[step].get(key)) for step in sorted(table)]
        return [(step, float(value)) for step, value in points if _is_number(value)]

    loss = [Series("train", "one", of(run.steps, "loss"))]
    loss.append(Series("validation", "two", of(run.validations, "validation_loss"), dots=True))
    memory = [(step, value / 2**20) for step, value in of(run.steps, "memory_bytes") if value]
    speed = of(run.steps, "tokens_per_second")
    drawn = [
        ("Loss", line_chart("Loss over steps", loss, digits=3)),
        (
            "Tokens per second",
            line_chart("Tokens per second", [Series("", "one", speed)], digits=0, low=True),
        ),
        ("Where a step's time goes", _split(figures)),
        ("Memory of a process, MiB", line_chart("Memory", [Series("", "one", memory)], digits=0, low=True)),
    ]
    return "".join(f"<section><h2>{name}</h2>{chart}</section>" for name, chart in drawn if chart)


def _split(figures: Mapping[str, Any]) -> str:
    parts = [(part, figures["split_seconds"][part] or 0.0) for part in SPLIT]
    rest = (figures["step_seconds"] or 0.0) - sum(value for _, value in parts)
    return share_bar([*parts, *([("other", rest)] if rest > 0.005 * sum(value for _, value in parts) else [])])


def _log(found: Mapping[str, Any], log: Sequence[str]) -> str:
    node = found["failure"]["node"]
    lines = found["failure"]["lines"] or log[-LOG_LINES:]
    if not lines:
        return "<section><h2>The log</h2><p>There is none: the job wrote nothing.</p></section>"
    return (
        f"<section><h2>Last lines{f' of {escape(node)}' if node else ''}</h2>"
        f"<pre>{escape(chr(10).join(lines))}</pre></section>"
    )


def _job_rows(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    job = found["job"]
    code = "not known" if job["exit_code"] is None else f"{job['exit_code']}:{job['signal']}"
    return [
        ("Job", str(job["job_id"])),
        ("State", f"{job['state']} (told by {job['source']})"),
        ("Exit code", code),
        ("Partition", job["partition"] or NONE),
        ("Started", job["start"].replace("T", " ") or NONE),
        ("Ended", job["end"].replace("T", " ") or NONE),
        ("Checkpoints", str(found["summary"]["checkpoints"])),
        ("Run directory", found["run_dir"]),
    ]


def _nodes(hosts: Sequence[str], start: Mapping[str, Any]) -> str:
    processes = start.get("world_size")
    told = (
        f"{processes} processes on {start.get('device', 'unknown')}, {start.get('num_nodes')} nodes"
        if processes
        else ""
    )
    rows = "".join(f"<li>{escape(host)}</li>" for host in hosts) or "<li>none: the job was given no node</li>"
    return f'<section><h2>Nodes</h2><p>{escape(told)}</p><ol class="nodes" start="0">{rows}</ol></section>'


def _run_rows(start: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    if start.get("parameters"):
        rows.append(("Parameters of the model", f"{start['parameters']:,}"))
    if start.get("parallelism"):
        mesh = start.get("mesh")
        sizes = ", ".join(f"{axis} {size}" for axis, size in mesh.items()) if isinstance(mesh, Mapping) else ""
        rows.append(("Parallelism", start["parallelism"] + (f" ({sizes})" if sizes else "")))
    if start.get("tokens_per_step"):
        rows.append(("Tokens in a step", f"{start['tokens_per_step']:,}"))
    if start.get("peak_flops_per_device"):
        rows.append(("Peak of a device", f"{start['peak_flops_per_device'] / 1e12:,.0f} TFLOP/s"))
    if start.get("resumed_from_step"):
        rows.append(("Went on from step", f"{start['resumed_from_step']:,}"))
    if start.get("time"):
        rows.append(("Started", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(start["time"]))))
    return rows


def _table(name: str, rows: Sequence[tuple[str, str]]) -> str:
    if not rows:
        return ""
    cells = "".join(f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>" for key, value in rows)
    return f"<section><h2>{name}</h2><table>{cells}</table></section>"


def _mean(steps: Sequence[Mapping[str, Any]], key: str) -> float | None:
    values = [float(step[key]) for step in steps if _is_number(step.get(key))]
    return sum(values) / len(values) if values else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _number_or_none(value: Any) -> float | None:
    return float(value) if _is_number(value) else None


def _number(value: float | None, form: str) -> str:
    return NONE if value is None else format(value, form)


def _bytes(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value / 2**30:.1f} GiB" if value >= 2**30 else f"{value / 2**20:.0f} MiB"
