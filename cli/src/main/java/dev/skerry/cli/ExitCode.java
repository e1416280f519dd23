package dev.skerry.cli;

/** What the process tells its caller; part of the interface, see {@code docs/cli.md}. */
public enum ExitCode {
    OK(0, "done; for run: the turn completed"),
    TURN_FAILED(1, "the turn failed or was cancelled by somebody else"),
    USAGE(2, "the command line is wrong"),
    NO_STACK(3, "the API or the stack cannot be reached or started"),
    REFUSED(4, "the API refused: key, name or value"),
    LIMIT(5, "a budget, a time limit or another limit was reached"),
    INTERNAL(70, "a defect in Skerry; SKERRY_DEBUG=1 shows its stack trace"),
    INTERRUPTED(130, "interrupted");

    private final int code;
    private final String meaning;

    ExitCode(int code, String meaning) {
        this.code = code;
        this.meaning = meaning;
    }

    public int code() {
        return code;
    }

    public String meaning() {
        return meaning;
    }
}
