package dev.skerry.metro;

/**
 * The account's quotas.
 *
 * @param instances most instances, stopped ones included
 * @param liveMemoryMb most memory of everything that is not stopped
 * @param liveVcpus most virtual CPUs of everything that is not stopped
 * @param memoryMb most memory of one instance
 * @param vcpus most virtual CPUs of one instance
 */
public record Limits(int instances, long liveMemoryMb, long liveVcpus, int memoryMb, int vcpus) {
    static final int LEAST_MEMORY_MB = 16;

    /** 64 instances of up to 8 GiB, as much at once as they ask for. */
    public static Limits standard() {
        return new Limits(64, 64L * 8192, 64L * 8, 8192, 8);
    }

    public Limits withInstances(int most) {
        return new Limits(most, liveMemoryMb, liveVcpus, memoryMb, vcpus);
    }
}
