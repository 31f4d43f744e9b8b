/// One text for each size that is not positive, or too large for any model.
func nonPositive(_ sizes: [(key: String, value: Int)]) -> [String] {
    sizes.filter { !(1...1 << 24).contains($0.value) }.map { "\($0.key) is \($0.value)" }
}
