/// `0..<length` cut into blocks of about equal extent.
struct Blocks {
    let length: Int
    let extent: Int
    let count: Int

    /// - Parameters:
    ///   - largest: no block is longer, but for rounding up to a multiple.
    ///   - multiple: of which the extent of every block but the last is one.
    init(_ length: Int, largest: Int, multipleOf multiple: Int = 1) {
        let wanted = max(1, (length + largest - 1) / largest)
        let share = (length + wanted - 1) / wanted
        self.length = length
        extent = max(1, (share + multiple - 1) / multiple * multiple)
        count = (length + extent - 1) / extent
    }

    subscript(index: Int) -> Range<Int> { index * extent..<min((index + 1) * extent, length) }
}
