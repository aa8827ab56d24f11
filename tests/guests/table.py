"""The table of guests: sources, how to build them, and what they do natively.

A guest that is refused for now (a part the engine has not got yet) says so here, with the words of
the refusal; its test fails when the guest starts to work, so that the entry goes.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.guests.build import build

BARE = ("bare", "bare-pie")
BARE_STATIC = ("bare",)
LINKED = ("pie", "no-pie", "static", "static-pie")
DYNAMIC = ("pie", "no-pie")

#: The refusals the engine owes, by the words on standard error.
NO_FAR = r"^dbt: instruction not supported yet at "

#: A process that shares memory was killed while it held a lock: the rest cannot go on.
KILLED = r"^dbt: a process that shared this one's memory was killed"


@dataclass(frozen=True)
class Guest:
    """One guest program and one way to call it.

    Attributes:
        name: of the executable and the test.
        source: file in guests/.
        variants: keys of tests.guests.build.VARIANTS; the first one is the quick one.
        flags: more flags for gcc.
        arguments: after argv[0]; `{name}` stands for a library of `libraries`.
        libraries: shared objects to build beside it: name to source.
        flags_of_libraries: more flags for gcc when it builds them.
        status: natively: the exit status, or the negative number of a signal.
        stdout: natively, when it is the same on every machine.
        input_bytes: standard input.
        timeout_s: wall time for one run, native or translated.
        label: tells calls of one guest apart.
        refused: a pattern for standard error, when the engine refuses this guest for now.
    """

    name: str
    source: str
    variants: tuple[str, ...] = LINKED
    flags: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)
    flags_of_libraries: tuple[str, ...] = ()
    status: int = 0
    stdout: bytes | None = None
    input_bytes: bytes = b""
    timeout_s: float = 60.0
    label: str = ""
    refused: str = ""

    @property
    def identity(self) -> str:
        """The guest's name in test ids."""
        return f"{self.name}_{self.label}" if self.label else self.name


def _bare(name: str, stdout: bytes = b"", **more: object) -> Guest:
    return Guest(name, f"{name}.S", **{"variants": BARE, "stdout": stdout, **more})  # type: ignore[arg-type]


def _linked(name: str, stdout: bytes | None = None, **more: object) -> Guest:
    return Guest(name, f"{name}.c", **{"stdout": stdout, **more})  # type: ignore[arg-type]


def _threads(name: str, stdout: bytes | None = None, **more: object) -> Guest:
    return _linked(name, stdout, **{"flags": ("-pthread",), "variants": ("pie", "static"), **more})


#: All that gcc and ld offer to make a program hard to attack.
HARDENED = (
    *("-fcf-protection=full", "-Wl,-z,relro,-z,now,-z,ibt,-z,shstk", "-fstack-protector-strong"),
    *("-fstack-clash-protection", "-D_FORTIFY_SOURCE=2"),
)
#: Indirect calls, jumps and returns through thunks.
RETPOLINES = (
    *("-mindirect-branch=thunk-inline", "-mfunction-return=thunk-inline"),
    *("-fcf-protection=none", "-fno-jump-tables"),
)

_INDIRECT_FUNCTIONS = b"4125282121 2128619578 51 1\nbye 56214\n"


def _hardened(name: str, source: str, stdout: bytes | None, **more: object) -> Guest:
    flags = (*HARDENED, *more.pop("flags", ()))  # type: ignore[misc]
    usual = {"label": "hardened", "flags_of_libraries": HARDENED, "variants": ("pie", "static")}
    return Guest(name, source, flags=flags, stdout=stdout, **{**usual, **more})  # type: ignore[arg-type]


#: Guests whose C library is musl, where its compiler is there: its threads are made otherwise.
MUSL = ("musl",)


_FAULT_SIGNALS = {
    "a": "SEGV", "b": "SEGV", "c": "SEGV", "d": "FPE", "e": "FPE", "f": "ILL", "g": "TRAP",
    "h": "SEGV", "i": "SEGV", "j": "SEGV", "k": "SEGV", "l": "SEGV", "m": "SEGV", "n": "SEGV",
    "o": "ILL", "p": "SEGV", "q": "ILL", "r": "TRAP", "s": "TRAP", "t": "SEGV", "u": "SEGV",
    "v": "SEGV", "w": "SEGV", "x": "SEGV", "y": "ILL", "z": "SEGV", "A": "SEGV", "B": "SEGV",
    "C": "BUS", "D": "TRAP", "E": "SEGV", "F": "SEGV", "G": "SEGV", "H": "SEGV", "I": "BUS",
}  # fmt: skip


def _faults() -> list[Guest]:
    return [
        _bare(
            "faults",
            arguments=(letter,),
            label=f"{letter}_{name}",
            status=-signal.Signals[f"SIG{name}"],
            variants=BARE_STATIC,
            refused=NO_FAR if letter in "FG" else "",
        )
        for letter, name in _FAULT_SIGNALS.items()
    ]


def _deaths() -> list[Guest]:
    deaths = {
        "pipe": signal.SIGPIPE,
        "abort": signal.SIGABRT,
        **{str(int(number)): number for number in (
            signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGINT, signal.SIGSEGV,
            signal.SIGALRM, signal.SIGUSR1, signal.SIGFPE, signal.SIGXCPU,
        )},
    }  # fmt: skip
    return [
        _linked(
            "signal_death",
            b"about to die\n",
            arguments=(argument,),
            label=argument,
            status=-number,
            variants=("static",) if argument == "pipe" else ("pie",),
        )
        for argument, number in deaths.items()
    ]


GUESTS: tuple[Guest, ...] = (
    # Control flow.
    _bare("hello", b"hello\n"),
    *(
        _bare(
            "hello",
            b"hello\n",
            label=label,
            flags=(f"-Wl,-Ttext-segment={address}",),
            variants=BARE_STATIC,
        )
        for label, address in (
            ("lowest", "0x10000"),
            ("below_2g", "0x7ff00000"),
            ("above_4g", "0x123456000"),
            ("high", "0x7e0000000000"),
        )
    ),
    _bare("exit_status", status=42),
    _bare("is_prime", b"1229\n"),
    _bare("plants", status=100, variants=BARE_STATIC),
    _bare("plants_stale", status=15),
    _bare("is_prime", b"25\n", arguments=("100",), label="100", variants=BARE_STATIC),
    _bare("jcc_all", b"1024\n"),
    _bare("loop_forms"),
    _bare("transfers", variants=BARE_STATIC),
    _bare("stack_forms"),
    _bare("jump_middle"),
    _bare("red_zone"),
    _bare("count_faults"),
    _bare("red_zone_return"),
    _bare("flags_kept"),
    _bare("deep_recursion", b"400000\n"),
    _bare("table_collision", b"130f3e2efa8d83a0\n"),
    _bare("table_collision_far", b"3000\n", variants=BARE_STATIC),
    _bare("jump_table", b"eec880e9\n"),
    _bare("many_functions", b"8247b9fb0f6902d7\n"),
    _bare("returns_change", b"40000\n"),
    _bare("page_crossing"),
    _bare("transactions", b"100\n"),
    # Operands and instructions.
    _bare("rip_relative", variants=BARE_STATIC),
    _bare("rip_relative_avx"),
    _bare("gs_base"),
    _bare("gs_branches"),
    _bare("gs_address32"),
    _bare("gs_gather"),
    _bare("fs_base"),
    _bare("string_forms", variants=BARE_STATIC),
    _bare("implicit_operands", variants=BARE_STATIC),
    _bare("popf_forms"),
    _bare("alignment_checked", b"42\n", status=-signal.SIGBUS),
    _bare("integer_forms", b"968001b4374fd701\n"),
    _bare("odd_encodings"),
    _bare("syscall_state"),
    _linked("cpuid_leaves", variants=("static", "pie")),
    _linked("clocks", b"ok\n"),
    _linked("counter", variants=("static", "pie")),
    *(
        _linked("vector_kept", arguments=(kind,), label=kind, variants=("static", "pie"))
        for kind in ("x87", "sse", "avx", "avx512")
    ),
    *(
        _bare("refusals", arguments=(letter,), label=label, variants=BARE_STATIC, refused=refused)
        for letter, label, refused in (
            ("a", "far_return", NO_FAR),
            ("b", "interrupt_return", NO_FAR),
            ("c", "int_80", NO_FAR),
            ("d", "segment_loads", ""),
            ("e", "selectors", ""),
            ("f", "far_jump", NO_FAR),
        )
    ),
    # Code that changes.
    _bare("rewrite_line"),
    _bare("rewrite_string"),
    _linked("write_code", b"16504683732247785984\n7257214203154631268\n16428059464321408384\n"),
    _linked(
        "code_changes",
        b"200010000\n14030103650280710596\n9337291088318528644\n17949719193168107464\n"
        b"15177309787609182240\n1082614787279799644\n12170114875885061000\n6390144097785693568\n"
        b"1082614787279799644\n14913698443932244920\n",
        variants=DYNAMIC,
    ),
    _linked("write_code_syscall", b"17 34 51 68 85\n", variants=DYNAMIC),
    _linked("write_code_shared", b"12979564489069079028\n", variants=DYNAMIC),
    _linked("code_owner", b"ok\n", variants=DYNAMIC),
    *(
        _linked("code_random", arguments=(seed,), label=seed, variants=("pie", "static"))
        for seed in ("8", "46")
    ),
    _linked("code_from_child", b"ok\n", variants=DYNAMIC),
    _linked("kernel_fills_code", variants=DYNAMIC),
    _linked("code_two_pages", b"ok\n", variants=DYNAMIC),
    _threads("code_and_data", b"2559571369552703317\n0\n1000\n"),
    _linked("code_shared_processes", b"ok\n", variants=DYNAMIC),
    _linked("code_shared_space", b"ok\n", variants=DYNAMIC),
    _linked(
        "code_thrown_away",
        b"10804213987365758224\n10984847499285128898\n11805073550167356352\n4897162218724462742\n",
        variants=("pie", "static"),
    ),
    _threads(
        "stack_trampolines",
        b"298309004240812207\n-67\n13861 313395\n1785168781326730801\n13100438273564717994\n"
        b"285216858886780499\n8841722625500879711\n15838984358584206662\n",
        flags=("-pthread", "-z", "execstack"),
    ),
    _bare("unmap_image", b"elsewhere\n", status=42),
    _linked("protection_flips", b"7 11 7 9 11 11\n", variants=DYNAMIC),
    _linked("high_and_low_code", b"5902067722070505664\n"),
    # Faults and signals.
    *_faults(),
    _linked("bus_error", b"mapped\n", status=-signal.SIGBUS, variants=DYNAMIC),
    _linked("stack_overflow", b"", status=-signal.SIGSEGV, variants=("static", "pie")),
    *_deaths(),
    _linked("signal_ignored", b"1 0\n1 0\n1 0\n-1 1\n1 1\n", variants=DYNAMIC),
    _linked("signal_stop", b"19 1 6\n", variants=DYNAMIC),
    _linked("handler_installed", b"1 1 1\n1\nafter exec 1\n", variants=("pie", "static")),
    _linked("signal_precise", b"228 of 228\n", variants=("static", "pie")),
    _linked("signal_anywhere", b"ok\n", variants=("static", "pie")),
    _linked("signal_handler", variants=("static", "pie")),
    _linked("signal_stack", b"2 2 2 1 1 1\n3 1\n", variants=("static", "pie")),
    _linked(
        "signal_restart",
        b"restarted 1 after 1\ninterrupted -1 1\nslept -1 1 1\npolled -1 1\n",
        variants=DYNAMIC,
    ),
    _linked("signal_child", b"5 15 1\n", variants=DYNAMIC),
    _linked("signal_jump", b"1000 0\n", variants=("static", "pie")),
    _linked("signal_timer", b"375001533 1\n", variants=("static", "pie")),
    _linked("signal_all", variants=("pie", "static")),
    _linked("signal_queue", variants=("pie",)),
    _linked("signal_codes", variants=("pie",)),
    _linked("signal_fault_codes", variants=("pie", "static")),
    _linked("signal_frame", variants=("static", "pie")),
    _linked("signal_registers", b"ok\n", variants=("static", "pie")),
    _linked("signal_altstack", variants=("pie",)),
    _linked("signal_masks", variants=("pie",)),
    _linked("signal_interrupts", variants=("pie",)),
    _linked("signal_contexts", variants=("pie", "static"), status=7),
    _linked("signal_mprotect", variants=("pie",)),
    _linked("signal_children", variants=("pie",)),
    _linked("signal_blocked_fault", variants=("pie",)),
    _linked("signal_sleeps", variants=("pie",)),
    _linked("signal_reserved", variants=("pie",)),
    _linked("signal_trap_flag", variants=("pie", "static")),
    _bare("signal_steps", b"", variants=BARE_STATIC),
    *(
        _linked(
            "signal_storm",
            f"{kind} none lost\n".encode(),
            arguments=(kind, "2000"),
            label=kind,
            variants=("pie",),
        )
        for kind in ("busy", "blocked", "queue", "wake")
    ),
    # Threads.
    _threads("threads", b"120000 82000 80000 0\n", variants=LINKED),
    _threads("threads_results", b"1028 104 1\n"),
    _threads("threads_leader", b"1 1\n", status=5),
    _threads("threads_end", b"", status=7),
    _threads("threads_end", b"", arguments=("abort",), label="abort", status=-signal.SIGABRT),
    _threads("threads_signals", b"50 50 50 50 0 4 1\n"),
    _threads("threads_masks"),
    _threads("threads_held"),
    _threads("threads_illegal", b"handled 500\n"),
    _threads("threads_faults", b"8000 0\n"),
    _threads("threads_fork", b"40\n"),
    _threads("threads_exec", b"waiting: 1, 1\n", arguments=("waiting",)),
    _threads(
        "threads_exec", b"leader gone: 1, 1\n", arguments=("leader gone",), label="leader_gone"
    ),
    _threads("threads_many", b"1000 499500\n"),
    _threads("threads_churn", b"10000 1\n"),
    _threads("threads_timer", b"1 1 0\n"),
    _threads("threads_robust", b"1 1 1 1\n"),
    _threads("threads_stress", b"1051064952690457913\n"),
    _threads("threads_stress", arguments=("8", "signals"), label="signals"),
    _threads("threads_write_code", b"0\n"),
    _threads("threads_rewrite", b"0 wrong\n"),
    _threads("burns_translator", status=1),  # that it burns is for tests/cli/test_budget.py
    _threads("threads_clone", b"1 1 1 1 1 1\n"),
    _threads("threads_vfork", b"120\n"),
    _threads("threads_vfork_deep", b"1300 1300\n"),
    _threads("threads_killed", b"300\n", refused=KILLED),
    _threads("threads_killed_running", b"20 39980000\n"),
    _threads("threads_clone3"),
    _threads("threads_clone_mix"),
    _threads("threads_death_apart"),
    _threads("threads_blocked_fault", timeout_s=20),
    _threads("threads_cancel"),
    _threads("threads_sync"),
    _threads("sampled_calls", b"interrupted 0, taken 0\nown timer: ticks\nburnt\n"),
    _threads("threads_identity", b"12 12 1\n"),
    _threads(
        "threads_dlopen",
        b"48 48 96 1\n",
        arguments=("{local}",),
        libraries={"local": "threads_dlopen_local.c"},
        variants=DYNAMIC,
    ),
    *(
        _threads(name, stdout, variants=MUSL, label="musl", status=status)
        for name, stdout, status in (
            ("threads", b"120000 82000 80000 0\n", 0),
            ("threads_results", b"1028 104 1\n", 0),
            ("threads_leader", b"1 1\n", 5),
            ("threads_end", b"", 7),
            ("threads_signals", b"50 50 50 50 0 4 1\n", 0),
            ("threads_fork", b"40\n", 0),
            ("threads_many", b"1000 499500\n", 0),
            ("threads_timer", b"1 1 0\n", 0),
            ("threads_robust", b"1 1 1 1\n", 0),
            ("threads_stress", b"1051064952690457913\n", 0),
            ("threads_vfork", b"120\n", 0),
            ("threads_cancel", None, 0),
            ("threads_identity", b"12 12 1\n", 0),
        )
    ),
    # The C library and the process.
    _linked("static_tls", b"80 0 -1 1\n"),
    _linked(
        "standard_input",
        b"1 one\n3 three\n",
        input_bytes=b"one\ntwo\nthree\nfour\n",
        status=4,
    ),
    _linked("stack_growth", b"7\n2490795795\n"),
    _linked("long_jumps", b"4646451971005396736 0\n"),
    _linked("contexts", b"9869047722893805832\n", variants=("pie", "static")),
    _linked(
        "not_canonical",
        b"call: upper half 1 14 1\ncall: bit 48 128 13 0\n"
        b"jump: upper half 1 14 1\njump: bit 48 128 13 0\n"
        b"return: upper half 1 14 1\nreturn: bit 48 128 13 0\n3000\n",
        variants=("pie", "static"),
    ),
    Guest("exceptions", "exceptions.cc", stdout=b"1588750 31500\n"),
    Guest("uncaught", "uncaught.cc", status=-signal.SIGABRT, variants=("pie", "static")),
    _linked("indirect_functions", _INDIRECT_FUNCTIONS),
    _linked("switches", b"505534955491276675\n", label="switch", variants=("static", "pie")),
    _linked(
        "switches",
        b"505534955491276675\n",
        label="goto",
        flags=("-DGOTO=1",),
        variants=("static", "pie"),
    ),
    _linked(
        "dlopen",
        b"2343098666504173968\n",
        arguments=("{one}", "{two}"),
        libraries={"one": "dlopen_one.c", "two": "dlopen_two.c"},
        variants=DYNAMIC,
    ),
    # How programs are bound and hardened.
    _linked("ifunc_resolvers", flags=("-lm",)),
    _linked("ifunc_resolvers", flags=("-lm", "-Wl,-z,now"), variants=DYNAMIC, label="now"),
    *(
        _linked(
            "lazy_binding",
            flags=("-rdynamic", f"-Wl,-z,{how}"),
            arguments=("{library}",),
            libraries={"library": "lazy_library.c"},
            flags_of_libraries=(f"-Wl,-z,{how}", *more),
            variants=DYNAMIC,
            label=label,
        )
        for label, how, more in (
            ("lazy", "lazy", ()),
            ("now", "now", ()),
            ("prelinked", "lazy", ("-Wl,-Ttext-segment=0x3041000000",)),
            ("prelinked_low", "lazy", ("-Wl,-Ttext-segment=0x41000000",)),
        )
    ),
    _hardened(
        "hardened",
        "hardened.c",
        b"RELRO 1, all refused 1, marked 1\n"
        b"library: RELRO 1, all refused 1, marked 1, endbr 1, 13\n"
        b"7460624713268705085 endbr 1\n6 6\n",
        arguments=("{one}",),
        libraries={"one": "dlopen_one.c"},
        variants=DYNAMIC,
    ),
    _hardened(
        "hardened",
        "hardened.c",
        b"RELRO 1, all refused 1, marked 1\n7460624713268705085 endbr 1\n6 6\n",
        variants=("static", "static-pie"),
        label="static",
    ),
    _hardened(
        "dlopen",
        "dlopen.c",
        b"2343098666504173968\n",
        arguments=("{one}", "{two}"),
        libraries={"one": "dlopen_one.c", "two": "dlopen_two.c"},
        variants=DYNAMIC,
    ),
    _hardened("exceptions", "exceptions.cc", b"1588750 31500\n"),
    _hardened("long_jumps", "long_jumps.c", b"4646451971005396736 0\n"),
    _hardened("contexts", "contexts.c", b"9869047722893805832\n"),
    _hardened("signal_jump", "signal_jump.c", b"1000 0\n"),
    _hardened("indirect_functions", "indirect_functions.c", _INDIRECT_FUNCTIONS),
    _hardened("switches", "switches.c", b"505534955491276675\n"),
    _hardened("threads", "threads.c", b"120000 82000 80000 0\n", flags=("-pthread",)),
    *(
        _linked(name, stdout, flags=RETPOLINES, variants=("pie", "static"), label="retpolines")
        for name, stdout in (
            ("indirect_functions", _INDIRECT_FUNCTIONS),
            ("switches", b"505534955491276675\n"),
            ("long_jumps", b"4646451971005396736 0\n"),
        )
    ),
    # Processes.
    _linked("fork_wait", variants=("pie", "static")),
    _linked("children_many", b"1200 forked, 3000 vforked, steady\n", variants=("static", "pie")),
    _linked("fork_again", b"7 7 9 9 -11 -11 5 -11 11 42 42 42 \n", variants=("pie", "static")),
    _linked("vfork_exec", b"42 7 1 127 spawned\n", variants=("pie", "static")),
    _linked("exec_self", status=3),
    _linked("exec_script", variants=("pie", "static")),
    _linked("many_arguments", variants=("pie", "static")),
    _linked("large_bss", variants=("static", "no-pie")),
    _linked("proc_self"),
    _linked("auxiliary_vector"),
    _linked("program_break", b"10 1\n"),
    _linked("map_moves", b"ok\n", variants=DYNAMIC),
    _linked("map_private_shows", b"ok\n", variants=DYNAMIC),
    _linked("file_from_child", b"ok\n", variants=DYNAMIC),
    _linked("map_fixed", b"ok\n"),
    _threads("map_over_cache"),
    _linked("map_grows_down", b"ok\n", variants=DYNAMIC),
    _linked("map_huge", variants=DYNAMIC),
    _linked("remap_code", b"ok\n", variants=DYNAMIC),
    _linked("limits"),
    _linked("address_limit", variants=DYNAMIC),
    _linked("output_buffers", variants=("pie", "static")),
    _linked("vsyscall_page", b"ok\n", variants=("pie",)),
    # What a process sees of itself.
    _threads("proc_names"),
    _linked("proc_child_exe", b"200\n", variants=("pie",)),
    _linked("descriptors", variants=("pie", "static")),
    _linked("memory_limits", variants=("pie", "static")),
    # Seccomp.
    _threads("seccomp_actions"),
    _threads("seccomp_threads"),
    _linked("seccomp_programs", variants=("pie",)),
    _linked("seccomp_inherit", variants=("pie", "static")),
)


def command_of(guest: Guest, variant: str) -> list[str]:
    """Builds a guest and its libraries, and answers the command line."""
    libraries = {
        name: str(build(f"{name}.so", source, "library", guest.flags_of_libraries))
        for name, source in guest.libraries.items()
    }
    program = build(guest.name, guest.source, variant, guest.flags)
    return [str(program), *(word.format(**libraries) for word in guest.arguments)]
