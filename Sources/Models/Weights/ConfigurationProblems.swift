/// Far above any model; without it a wrong number would fill memory or overflow before the weights are looked at.
enum ModelLimit {
    static let size = 1 << 24
    static let layers = 64
    static let levels = 16
    static let kernel = 63
}

/// One text for each size that is not positive, or too large for any model.
func outOfRange(_ sizes: [(key: String, value: Int)], limit: Int = ModelLimit.size) -> [String] {
    sizes.filter { !(1...limit).contains($0.value) }.map {
        "\($0.key) is \($0.value), must lie in 1...\(limit)"
    }
}
