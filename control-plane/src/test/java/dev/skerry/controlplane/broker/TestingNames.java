package dev.skerry.controlplane.broker;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.springframework.context.annotation.Primary;
import org.springframework.stereotype.Component;

/** Names that an attacker's name server answers for, differently each time it is asked; all others are looked up as ever. */
@Component
@Primary
public class TestingNames implements Resolver {
    private static final Map<String, Queue<String>> ANSWERS = new ConcurrentHashMap<>();

    /** The addresses that a name is answered with, one for each lookup. */
    public static void answer(String host, String... addresses) {
        ANSWERS.put(host, new ConcurrentLinkedQueue<>(List.of(addresses)));
    }

    /** How many answers nobody has asked for. */
    public static int left(String host) {
        return ANSWERS.get(host).size();
    }

    @Override
    public List<InetAddress> lookup(String host) throws UnknownHostException {
        Queue<String> answers = ANSWERS.get(host);
        if (answers == null) {
            return List.of(InetAddress.getAllByName(host));
        }
        String address = answers.poll();
        if (address == null) {
            throw new UnknownHostException(host);
        }
        return List.of(InetAddress.getByName(address));
    }
}
