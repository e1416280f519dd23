package dev.skerry.metro.driver;

/** How a sandbox ended by itself. */
public sealed interface Exit {
    /** Its program ended. */
    record Ended(int code) implements Exit {}

    /** Its kernel or its virtual machine broke. */
    record Crashed(String reason) implements Exit {}

    /** It ended while no metro was looking. */
    record Unseen() implements Exit {}
}
