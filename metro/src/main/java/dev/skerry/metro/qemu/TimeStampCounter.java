package dev.skerry.metro.qemu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.time.Duration;

/**
 * Measures how fast this machine's time stamp counter runs, which is also how fast an emulated one does.
 *
 * <p>A kernel in an emulated micro-VM must be told: it has no other clock to measure by, and what it measures on a busy machine is wrong.
 * Linux knows the number and tells nobody.
 */
@SuppressWarnings("restricted")
final class TimeStampCounter {
    /** Machine code: {@code rdtsc; shl rdx, 32; or rax, rdx; ret}. */
    private static final byte[] READ = {
        0x0f, 0x31, 0x48, (byte) 0xc1, (byte) 0xe2, 0x20, 0x48, 0x09, (byte) 0xd0, (byte) 0xc3
    };

    private static final long PAGE = 4096;
    private static final int READ_WRITE = 3;
    private static final int READ_EXECUTE = 5;
    private static final int PRIVATE_ANONYMOUS = 0x22;
    private static final int TRIES = 200;
    private static final Duration DISTANCE = Duration.ofMillis(200);
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final MethodHandle read;

    private TimeStampCounter(MethodHandle read) {
        this.read = read;
    }

    private record Sample(long nanos, long ticks, long uncertainty) {}

    /** Ticks per millisecond. */
    static long kilohertz() throws IOException {
        if (!System.getProperty("os.arch").equals("amd64")) {
            throw new IOException("micro-VMs are emulated on x86-64 machines only");
        }
        try (Arena arena = Arena.ofConfined()) {
            return measure(arena);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (Throwable e) {
            throw new IOException("the time stamp counter of this machine cannot be read", e);
        }
    }

    private static long measure(Arena arena) throws Throwable {
        Linker linker = Linker.nativeLinker();
        MethodHandle map = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("mmap"),
                FunctionDescriptor.of(
                        ValueLayout.ADDRESS,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));
        MethodHandle protect = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("mprotect"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
        MethodHandle unmap = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("munmap"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
        MemorySegment mapped =
                (MemorySegment) map.invokeExact(MemorySegment.NULL, PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
        if (mapped.address() == -1) {
            throw new IOException("no memory");
        }
        MemorySegment code = mapped.reinterpret(PAGE, arena, null);
        try {
            MemorySegment.copy(READ, 0, code, ValueLayout.JAVA_BYTE, 0, READ.length);
            if ((int) protect.invokeExact(mapped, PAGE, READ_EXECUTE) != 0) {
                throw new IOException("memory cannot be made executable");
            }
            return new TimeStampCounter(linker.downcallHandle(code, FunctionDescriptor.of(ValueLayout.JAVA_LONG)))
                    .compare();
        } finally {
            int _ = (int) unmap.invokeExact(mapped, PAGE);
        }
    }

    private long compare() throws Throwable {
        Sample first = sample();
        Thread.sleep(DISTANCE);
        Sample second = sample();
        return Math.round(
                (double) (second.ticks() - first.ticks()) / (second.nanos() - first.nanos()) * NANOS_PER_MILLI);
    }

    /** The one of many in which least time passed around the reading, so that nothing came between. */
    private Sample sample() throws Throwable {
        Sample best = one();
        for (int tries = 0; tries < TRIES; tries++) {
            Sample next = one();
            best = next.uncertainty() < best.uncertainty() ? next : best;
        }
        return best;
    }

    private Sample one() throws Throwable {
        long before = System.nanoTime();
        long ticks = (long) read.invokeExact();
        long after = System.nanoTime();
        return new Sample(before + (after - before) / 2, ticks, after - before);
    }
}
