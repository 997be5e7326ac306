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
