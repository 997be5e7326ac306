import Foundation

/// baresip's module ctrl_tcp: commands and events as JSON, each in a netstring (`12:{"a":"b"},…`).
final class ControlConnection {
    struct Event: Decodable {
        /// Such as CALL_ESTABLISHED; absent in the answer to a command.
        let type: String?
        /// Of CALL_CLOSED: why, such as `486 Busy Here`.
        let param: String?
    }

    private struct Command: Encodable {
        let command: String
        let params: String
    }

    private let socket: LoopbackSocket
    private(set) var events: [Event] = []

    init(_ socket: LoopbackSocket) {
        self.socket = socket
    }

    func send(_ command: String, _ parameter: String = "") throws {
        let body = try JSONEncoder().encode(Command(command: command, params: parameter))
        guard socket.send(Array("\(body.count):".utf8) + body + Array(",".utf8)) else {
            throw InteropFailure("baresip has closed its control connection before “\(command)”")
        }
    }

    /// Takes in what has arrived, without waiting.
    func receive() throws {
        socket.receive()
        while let colon = socket.received.firstIndex(of: UInt8(ascii: ":")),
            let length = Int(String(decoding: socket.received[..<colon], as: UTF8.self)),
            socket.received.count > colon + 1 + length
        {
            let body = socket.received[(colon + 1)..<(colon + 1 + length)]
            events.append(try JSONDecoder().decode(Event.self, from: Data(body)))
            socket.received.removeFirst(colon + 2 + length)
        }
    }
}
