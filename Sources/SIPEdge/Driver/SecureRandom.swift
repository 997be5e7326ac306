import Glibc
import Synchronization

/// Random octets of the system's source, asked for in larger portions: a call needs some hundred of them in small pieces,
/// and each question is a system call.
enum SecureRandom {
    private struct Stock: Sendable {
        var octets = [UInt8](repeating: 0, count: SecureRandom.portion)
        /// What has been given out; never given out again.
        var used = SecureRandom.portion
    }

    private static let portion = 256  // the most that getentropy(3) gives at once
    private static let stock = Mutex(Stock())

    /// `count`, at most 256, fresh octets.
    static func octets(_ count: Int) -> [UInt8] {
        precondition(count <= portion, "larger than a portion")
        return stock.withLock { stock in
            if stock.used + count > portion { refill(&stock) }
            defer {
                for index in stock.used..<stock.used + count { stock.octets[index] = 0 }
                stock.used += count
            }
            return Array(stock.octets[stock.used..<stock.used + count])
        }
    }

    private static func refill(_ stock: inout Stock) {
        stock.octets.withUnsafeMutableBytes { memory in
            let status = memory.baseAddress.map { getentropy($0, memory.count) }
            precondition(status == 0, "the system has no random numbers")
        }
        stock.used = 0
    }
}
