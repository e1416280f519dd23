package dev.skerry.metro;

/** The platform's bits for why an instance is stopped. */
final class StopReason {
    static final int NONE = 0;
    static final int KERNEL_CRASH = 1;
    static final int ENDED_BY_ITSELF = 3;
    static final int PLATFORM = 4;
    static final int USER = 15;
    static final int FORCED_BY_USER = 28;
    static final int SUSPENDED = 39;

    /** With {@link #PLATFORM}. */
    static final int IMAGE_MISSING = 1;

    /** With {@link #ENDED_BY_ITSELF} and {@link #USER}: shut down in order. */
    static final int CLEAN = 0x8100;

    /** With {@link #KERNEL_CRASH}. */
    static final int OUT_OF_MEMORY = 0x000C7F04;

    private StopReason() {}
}
