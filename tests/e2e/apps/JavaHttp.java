// SPDX-License-Identifier: GPL-2.0-or-later

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;

/**
 * Java's own HTTP server and client (NIO and epoll), and a blocking Socket.
 *
 * serve PORT DIRECTORY: files; POST /sum: SHA-256 of what came.
 * get BASE BYTES: what the tests look at; BYTES to post, 0: none.
 * page URL.
 */
public final class JavaHttp {
    private JavaHttp() { }

    private static String sum(byte[] data) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
    }

    private static void answer(HttpExchange x, Path dir) throws IOException {
        try (x) {
            byte[] out;
            if (x.getRequestMethod().equals("POST")) {
                out = (sum(x.getRequestBody().readAllBytes()) + "\n").getBytes();
            } else {
                out = Files.readAllBytes(dir.resolve(x.getRequestURI().getPath().substring(1)));
            }
            x.sendResponseHeaders(200, out.length);
            x.getResponseBody().write(out);
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e);
        }
    }

    private static void serve(int port, Path dir) throws IOException {
        HttpServer s = HttpServer.create(new InetSocketAddress(port), 64);
        s.createContext("/", x -> answer(x, dir));
        s.setExecutor(Executors.newFixedThreadPool(4));
        s.start();
    }

    private static HttpRequest.Builder to(String uri) {
        return HttpRequest.newBuilder(URI.create(uri));
    }

    private static void get(String base, int size) throws Exception {
        HttpClient c = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        HttpResponse.BodyHandler<byte[]> bytes = HttpResponse.BodyHandlers.ofByteArray();
        System.out.write(c.send(to(base + "/marker.txt").build(), bytes).body());
        CompletableFuture<HttpResponse<byte[]>> one = c.sendAsync(to(base + "/big").build(), bytes);
        CompletableFuture<HttpResponse<byte[]>> two = c.sendAsync(to(base + "/big").build(), bytes);
        System.out.println("big " + sum(one.get().body()));
        System.out.println("again " + sum(two.get().body()));
        if (size > 0) {
            HttpRequest.BodyPublisher zeros = HttpRequest.BodyPublishers.ofByteArray(new byte[size]);
            byte[] said = c.send(to(base + "/sum").POST(zeros).build(), bytes).body();
            System.out.print("post " + new String(said));
        }
        URI u = URI.create(base);
        try (Socket s = new Socket(u.getHost(), u.getPort() < 0 ? 80 : u.getPort())) {
            s.setSoTimeout(60000);
            s.setTcpNoDelay(true);
            s.getOutputStream().write("GET /marker.txt HTTP/1.0\r\n\r\n".getBytes());
            byte[] all = new DataInputStream(s.getInputStream()).readAllBytes();
            String[] parts = new String(all).split("\r\n\r\n", 2);
            System.out.print("socket " + parts[1]);
        }
    }

    public static void main(String[] a) throws Exception {
        if (a.length == 3 && a[0].equals("serve")) {
            serve(Integer.parseInt(a[1]), Path.of(a[2]));
        } else if (a.length == 3 && a[0].equals("get")) {
            get(a[1], Integer.parseInt(a[2]));
        } else if (a.length == 2 && a[0].equals("page")) {
            HttpClient c = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
            System.out.print(c.send(to(a[1]).build(), HttpResponse.BodyHandlers.ofString()).body());
        } else {
            System.err.println("usage: JavaHttp serve PORT DIRECTORY | get BASE BYTES | page URL");
            System.exit(2);
        }
    }
}
