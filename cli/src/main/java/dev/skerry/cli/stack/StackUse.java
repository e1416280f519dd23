package dev.skerry.cli.stack;

import dev.skerry.cli.Home;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;

/** That a command uses the stack of this machine, so that nobody stops it meanwhile. A killed command uses nothing. */
public final class StackUse implements AutoCloseable {
    private final FileChannel channel;
    private FileLock lock;

    private StackUse(FileChannel channel, FileLock lock) {
        this.channel = channel;
        this.lock = lock;
    }

    /** Waits while the last user of a stack stops it. */
    public static StackUse begin(Home home, Consumer<String> tell) {
        home.create();
        try {
            FileChannel channel = FileChannel.open(
                    home.root().resolve("stack.users"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock(0, Long.MAX_VALUE, true);
            if (lock == null) {
                tell.accept("The stack is being stopped; waiting for that");
                lock = channel.lock(0, Long.MAX_VALUE, true);
            }
            return new StackUse(channel, lock);
        } catch (IOException e) {
            throw home.unwritable(e);
        }
    }

    /** Whether nobody else uses the stack; if so, nobody begins to before this is closed. */
    public boolean becomeLast() {
        try {
            lock.release();
            FileLock alone = channel.tryLock();
            lock = alone == null ? channel.lock(0, Long.MAX_VALUE, true) : alone;
            return alone != null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
