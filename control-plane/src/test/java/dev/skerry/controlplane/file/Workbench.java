package dev.skerry.controlplane.file;

import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Collectors;

/** A sandbox's hands on its files, as the runtime uses them. */
record Workbench(Sandbox sandbox) {
    /** A file by its text. */
    record File(String path, String text) {
        long size() {
            return text.getBytes(StandardCharsets.UTF_8).length;
        }

        String sha256() {
            return Workbench.sha256(text);
        }

        String entry() {
            return "{'path': '" + path + "', 'size': " + size() + ", 'sha256': '" + sha256() + "'}";
        }
    }

    /** Where the bytes are to be put, absolute; or the refusal's code. */
    String uploadUrl(File file) {
        Answer answer = sandbox.post("/files/uploads", files(file));
        return answer.status() == 200
                ? absolute(answer.body().path("files").path(0).path("url").asString(""))
                : answer.code();
    }

    String downloadUrl(String path) {
        return absolute(sandbox.post("/files/downloads", "{'paths': ['" + path + "']}")
                .body()
                .path("files")
                .path(0)
                .path("url")
                .asString(""));
    }

    Answer manifest(File... files) {
        return sandbox.put("/files/manifest", files(files));
    }

    /** Puts the bytes of each where it is told to, and names them all as the workspace. */
    Answer store(File... files) throws IOException, InterruptedException {
        for (File file : files) {
            String url = uploadUrl(file);
            if (!url.isEmpty()) {
                put(url, file.text());
            }
        }
        return manifest(files);
    }

    private static String files(File... files) {
        return "{'files': [" + Arrays.stream(files).map(File::entry).collect(Collectors.joining(",")) + "]}";
    }

    private String absolute(String url) {
        return url.startsWith("/") ? sandbox.origin() + url : url;
    }

    static int put(String url, String text) throws IOException, InterruptedException {
        HttpRequest put = HttpRequest.newBuilder(URI.create(url))
                .header("Content-Type", "application/octet-stream")
                .PUT(HttpRequest.BodyPublishers.ofString(text))
                .build();
        return send(put).statusCode();
    }

    static HttpResponse<String> get(String url) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(URI.create(url)).build());
    }

    /** On a connection of its own: a server may close one on which it refused a body. */
    private static HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request, HttpResponse.BodyHandlers.ofString());
        }
    }

    static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
