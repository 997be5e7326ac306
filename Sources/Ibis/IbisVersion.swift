enum IbisVersion {
    static let number = "0.1.0"
    static let text = "Ibis \(number)"
}
