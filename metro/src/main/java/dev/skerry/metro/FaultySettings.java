package dev.skerry.metro;

/**
 * Where a test may tell this metro to misbehave; absent in every other use.
 *
 * @param port of the admin endpoint, on the metro's own address; 0 for any free one
 * @param token of the admin endpoint, not the metro's
 * @param rules JSON array of rules that hold from the start; empty for none
 * @param seed of the dice
 */
public record FaultySettings(int port, String token, String rules, long seed) {
    public FaultySettings {
        if (token.isBlank()) {
            throw new IllegalArgumentException("The fault injection of a metro needs a token of its own.");
        }
    }

    @Override
    public String toString() {
        return "FaultySettings[port=" + port + "]";
    }
}
