package dev.skerry.cli;

import org.jspecify.annotations.Nullable;

/** Why a command cannot go on, in one sentence for a person, with what to do next. */
public class Failure extends RuntimeException {
    private final ExitCode exitCode;
    private final String advice;

    public Failure(ExitCode exitCode, String sentence, String advice) {
        this(exitCode, sentence, advice, null);
    }

    public Failure(ExitCode exitCode, String sentence, String advice, @Nullable Throwable cause) {
        super(sentence, cause);
        this.exitCode = exitCode;
        this.advice = advice;
    }

    public ExitCode exitCode() {
        return exitCode;
    }

    public String advice() {
        return advice;
    }

    /** The sentence; every failure has one. */
    public String sentence() {
        String message = getMessage();
        return message == null ? exitCode.meaning() : message;
    }
}
