package dev.skerry.controlplane.llm;

/** A value that does not print. */
public record Secret(String value) {
    @Override
    public String toString() {
        return "***";
    }
}
