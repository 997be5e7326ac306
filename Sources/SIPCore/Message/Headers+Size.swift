extension Headers {
    /// Octets that the fields hold, about.
    package var storedOctets: Int { octets.count + fields.count * MemoryLayout<Field>.stride }
}
