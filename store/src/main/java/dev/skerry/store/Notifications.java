package dev.skerry.store;

import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.jdbc.autoconfigure.DataSourceProperties;
import org.springframework.stereotype.Component;

/**
 * Wakes local waiters when any replica writes, over one listening connection per process.
 *
 * <p>A lost connection is made again and every listener is told, because it may have missed something: a wake-up is a hint to read
 * the tables, never the news itself. A server that stays silent is given up: while it is asked, after seconds; while it is listened to, when
 * it does not answer the question whether it is still there.
 */
@Component
public class Notifications {
    private static final Logger log = LoggerFactory.getLogger(Notifications.class);
    private static final Duration POLL = Duration.ofSeconds(5);
    private static final Duration RECONNECT = Duration.ofSeconds(1);
    private static final String LONGEST_SILENCE_SECONDS = "10";

    private final DataSourceProperties source;
    private final Map<Channel, List<Consumer<String>>> listeners = new ConcurrentHashMap<>();
    private volatile boolean running = true;
    private volatile Thread thread = Thread.ofVirtual().unstarted(this::run);

    Notifications(DataSourceProperties source) {
        this.source = source;
    }

    /** What can be listened to, and what its payload is. */
    public enum Channel {
        /** A session's log grew; payload: session id. */
        SKERRY_EVENTS,
        /** Something waits for a session's sandbox or for its worker; payload: session id. */
        SKERRY_SANDBOX,
        /** A transient event; payload: its JSON. */
        SKERRY_DELTAS
    }

    /** The empty payload means: something may have been missed, look for yourself. Listeners must be quick. */
    public void listen(Channel channel, Consumer<String> listener) {
        listeners
                .computeIfAbsent(channel, ignored -> new CopyOnWriteArrayList<>())
                .add(listener);
    }

    @PostConstruct
    void start() {
        thread.start();
    }

    @PreDestroy
    void stop() {
        running = false;
        thread.interrupt();
    }

    private void run() {
        boolean first = true;
        while (running) {
            try (Connection connection = connect()) {
                if (!first) {
                    log.info("listening to Postgres again");
                    listeners.keySet().forEach(channel -> deliver(channel, ""));
                }
                first = false;
                receive(connection);
            } catch (SQLException e) {
                if (running) {
                    log.warn("lost the listening connection to Postgres, trying again: {}", e.getMessage());
                    pause();
                }
            }
        }
    }

    private Connection connect() throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", source.determineUsername());
        String password = source.determinePassword();
        if (password != null) {
            properties.setProperty("password", password);
        }
        properties.setProperty("connectTimeout", "5");
        properties.setProperty("loginTimeout", LONGEST_SILENCE_SECONDS);
        properties.setProperty("socketTimeout", LONGEST_SILENCE_SECONDS);
        properties.setProperty("tcpKeepAlive", "true");
        properties.setProperty("ApplicationName", "skerry-notifications");
        Connection connection = DriverManager.getConnection(source.determineUrl(), properties);
        try (Statement statement = connection.createStatement()) {
            for (Channel channel : Channel.values()) {
                statement.execute("listen " + channel.name().toLowerCase(java.util.Locale.ROOT));
            }
        }
        return connection;
    }

    private void receive(Connection connection) throws SQLException {
        PGConnection postgres = connection.unwrap(PGConnection.class);
        while (running) {
            PGNotification[] received = postgres.getNotifications((int) POLL.toMillis());
            if (received == null || received.length == 0) {
                if (!connection.isValid(5)) {
                    throw new SQLException("the connection no longer answers");
                }
                continue;
            }
            for (PGNotification notification : received) {
                deliver(
                        Channel.valueOf(notification.getName().toUpperCase(java.util.Locale.ROOT)),
                        notification.getParameter());
            }
        }
    }

    private void deliver(Channel channel, String payload) {
        for (Consumer<String> listener : listeners.getOrDefault(channel, List.of())) {
            try {
                listener.accept(payload);
            } catch (RuntimeException e) {
                log.warn("a listener on {} failed", channel, e);
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(RECONNECT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
