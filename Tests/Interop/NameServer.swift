import Foundation
import Glibc
import Synchronization

/// A name server of a test (RFC 1035): knows its records alone, and may change or fall silent while it is asked.
final class NameServer: Sendable {
    static let port: UInt16 = 5353

    struct Record: Sendable {
        /// Lower-cased, without the final dot; nil: every name.
        var name: String?
        /// A 1, SRV 33.
        var type: UInt16
        var data: [UInt8]

        static func address(_ name: String?, _ address: String) -> Record {
            var host = in_addr()
            inet_pton(AF_INET, address, &host)
            return Record(name: name, type: 1, data: withUnsafeBytes(of: host.s_addr) { Array($0) })
        }

        static func service(_ name: String, priority: UInt16, weight: UInt16, port: UInt16, target: String) -> Record {
            let numbers = [priority, weight, port].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
            let labels = target.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
            return Record(name: name, type: 33, data: numbers + labels + [0])
        }
    }

    private let descriptor: Int32
    private let zone: Zone

    private final class Zone: Sendable {
        let records: Mutex<[Record]?>
        let seconds: UInt8

        init(_ records: [Record], _ seconds: UInt8) {
            self.records = Mutex(records)
            self.seconds = seconds
        }
    }

    /// Every name has one and the same IPv4 address, and nothing else. The WhatsApp side needs it, as requests within a
    /// call go to the host name in Ibis' Contact.
    convenience init(address: String, answer: String) throws {
        try self.init(address: address, records: [.address(nil, answer)])
    }

    /// - Parameter secondsToLive: of all records.
    init(address: String, port: UInt16 = NameServer.port, records: [Record], secondsToLive: UInt8 = 60) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var end = sockaddr_in()
        end.sin_family = sa_family_t(AF_INET)
        end.sin_port = port.bigEndian
        inet_pton(AF_INET, address, &end.sin_addr)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafePointer(to: end) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard status == 0 else {
            close(descriptor)
            throw InteropFailure("\(address):\(port)/udp is taken (errno \(errno))")
        }
        self.descriptor = descriptor
        let zone = Zone(records, secondsToLive)
        self.zone = zone
        Thread { NameServer.serve(descriptor, zone) }.start()
    }

    /// Ends the thread: its receive call returns.
    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// - Parameter records: nil answers nothing from now on.
    func replace(_ records: [Record]?) { zone.records.withLock { $0 = records } }

    private static func serve(_ descriptor: Int32, _ zone: Zone) {
        var buffer = [UInt8](repeating: 0, count: 2_048)
        while true {
            var from = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let reply = withUnsafeMutablePointer(to: &from) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { from in
                    let count = recvfrom(descriptor, &buffer, buffer.count, 0, from, &size)
                    guard count > 0 else { return false }
                    let records = zone.records.withLock { $0 }
                    if let records,
                        let reply = response(to: Array(buffer.prefix(count)), records, zone.seconds)
                    {
                        sendto(descriptor, reply, reply.count, 0, from, size)
                    }
                    return true
                }
            }
            guard reply else { break }
        }
        close(descriptor)
    }

    /// RFC 1035 §4.1: the question comes back, with the records of its name and type; none says that there are none.
    private static func response(to query: [UInt8], _ records: [Record], _ seconds: UInt8) -> [UInt8]? {
        guard query.count > 12, query[4] == 0, query[5] == 1 else { return nil }
        var end = 12
        var labels: [String] = []
        while end < query.count, query[end] != 0 {
            labels.append(String(decoding: query[(end + 1)...].prefix(Int(query[end])), as: UTF8.self).lowercased())
            end += 1 + Int(query[end])
        }
        guard end + 5 <= query.count else { return nil }
        let name = labels.joined(separator: ".")
        let type = UInt16(query[end + 1]) << 8 | UInt16(query[end + 2])
        let found = records.filter { ($0.name == nil || $0.name == name) && $0.type == type }
        // The identifier; response, recursion desired and available; one question and as many answers.
        var reply = query[0..<2] + [0x81, 0x80, 0, 1, 0, UInt8(found.count), 0, 0, 0, 0] + query[12..<(end + 5)]
        for record in found {
            // The name of the question, type, IN, time to live, length.
            reply += [0xC0, 12, 0, UInt8(record.type), 0, 1, 0, 0, 0, seconds, 0, UInt8(record.data.count)]
            reply += record.data
        }
        return Array(reply)
    }
}
