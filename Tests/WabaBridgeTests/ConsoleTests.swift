import Foundation
import Hummingbird
import HummingbirdTesting
import Testing

@testable import WabaBridge

struct ConsoleTests {
    private func application(problems: [String] = []) -> some ApplicationProtocol {
        let status = ConsoleStatus(
            version: "1.2.3", problems: problems, uptimeSeconds: 5,
            listeners: [.init(name: "sip-tls", transports: ["tls"], address: "0.0.0.0", port: 5061)], calls: 2,
            numbers: 1, peers: 0, counters: ["calls_started": 7], media: ["legs": 4])
        return Application(router: Console.router { status })
    }

    @Test func healthy() async throws {
        try await application().test(.router) { client in
            try await client.execute(uri: "/health", method: .get) { response in
                #expect(response.status == .ok)
                #expect(String(buffer: response.body) == "ok\n")
            }
        }
    }

    @Test func unhealthySaysWhy() async throws {
        try await application(problems: ["Ibis is stopping."]).test(.router) { client in
            try await client.execute(uri: "/health", method: .get) { response in
                #expect(response.status == .serviceUnavailable)
                #expect(String(buffer: response.body) == "Ibis is stopping.\n")
            }
        }
    }

    @Test func status() async throws {
        try await application().test(.router) { client in
            try await client.execute(uri: "/status", method: .get) { response in
                #expect(response.status == .ok)
                #expect(response.headers[.contentType] == "application/json")
                let body = Data(String(buffer: response.body).utf8)
                let object = try JSONSerialization.jsonObject(with: body) as? [String: Any]
                #expect(object?["calls"] as? Int == 2)
                #expect(object?["version"] as? String == "1.2.3")
                #expect((object?["counters"] as? [String: Int])?["calls_started"] == 7)
                #expect((object?["media"] as? [String: Int])?["legs"] == 4)
            }
        }
    }

    @Test func calls() async throws {
        let message = ConsoleTrace.Message(
            milliseconds: 3, leg: "meta", direction: "sent", line: "100 Trying", text: "SIP/2.0 100 Trying")
        let calls = ConsoleCalls(
            list: {
                [ConsoleCall(id: "one", began: "2026-01-01T00:00:00Z", line: "INVITE", status: 200, messageCount: 1)]
            },
            trace: { id in
                guard id == "one" else { return nil }
                return ConsoleTrace(
                    id: id, began: "2026-01-01T00:00:00Z", dropped: 0, messages: [message], ladder: "->\n")
            })
        let status = ConsoleStatus(
            version: "1", uptimeSeconds: 0, listeners: [], calls: 0, numbers: 0, peers: 0, counters: [:], media: [:])
        try await Application(router: Console.router(status: { status }, calls: calls)).test(.router) { client in
            for (uri, expected) in [
                ("/calls", "\"id\" : \"one\""), ("/calls/one", "\"line\" : \"100 Trying\""),
                ("/calls/one/ladder", "->\n"),
            ] {
                try await client.execute(uri: uri, method: .get) { response in
                    #expect(response.status == .ok)
                    #expect(String(buffer: response.body).contains(expected))
                }
            }
            try await client.execute(uri: "/calls/two", method: .get) { response in
                #expect(response.status == .notFound)
                #expect(String(buffer: response.body).contains("no longer kept"))
            }
        }
    }

    @Test(arguments: ["/", "/login", "/status/x", "/../etc/passwd"])
    func elsewhere(_ path: String) async throws {
        try await application().test(.router) { client in
            try await client.execute(uri: path, method: .get) { response in
                #expect(response.status == .notFound)
                #expect(String(buffer: response.body).contains("console comes in a later version"))
            }
        }
    }
}
