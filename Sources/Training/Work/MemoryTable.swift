/// What rank 0 takes at its peaks, as plans print it.
struct MemoryTable {
    /// What it is that takes so many bytes.
    typealias Peak = (name: String, bytes: Int)

    /// Weights, libraries and what else is there all the time, in bytes.
    let fixed: Int
    /// Computed at once.
    let images: Int
    /// On top of that, for all images at once.
    let peaks: [Peak]

    init(fixed: Int, images: Int, peaks: [Peak]) {
        (self.fixed, self.images, self.peaks) = (fixed, images, peaks)
    }

    init(fixed: Int, images: Int, peaksOfAnImage peaks: [Peak]) {
        self.init(fixed: fixed, images: images, peaks: peaks.map { ($0.name, images * $0.bytes) })
    }

    var lines: [String] {
        ["rank 0: \(size(fixed)) for weights and libraries, and for \(counted(images, "image")) at once"]
            + peaks.map { peak in
                let name = peak.name.padding(toLength: 12, withPad: " ", startingAt: 0)
                return "  \(name) \(size(peak.bytes)), \(size(fixed + peak.bytes)) in all"
            }
    }
}
