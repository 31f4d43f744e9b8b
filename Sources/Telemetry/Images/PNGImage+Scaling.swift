extension PNGImage {
    /// How the pixels of a scaled picture are taken from the given one.
    public enum Interpolation: Sendable {
        /// The nearest pixel: squares stay squares.
        case nearest
        /// Straight lines between pixel centres, the border repeated outside.
        case bilinear
    }

    /// The picture at another size.
    ///
    /// Meant for enlarging: bilinear shrinking by more than half skips pixels.
    public func scaled(width newWidth: Int, height newHeight: Int, _ interpolation: Interpolation) -> PNGImage
    {
        precondition(
            newWidth > 0 && newHeight > 0,
            "PNGImage.scaled: got \(newWidth) × \(newHeight), expected at least one pixel")
        let columns = Self.taps(from: width, to: newWidth, interpolation)
        let rows = Self.taps(from: height, to: newHeight, interpolation)
        let count = channels.rawValue
        var scaled: [UInt8] = []
        scaled.reserveCapacity(newWidth * newHeight * count)
        for row in rows {
            for column in columns {
                for channel in 0..<count {
                    func sample(_ y: Int, _ x: Int) -> Double {
                        Double(pixels[(y * width + x) * count + channel])
                    }
                    let upper = mix(
                        sample(row.near, column.near), sample(row.near, column.far), column.weight)
                    let lower = mix(sample(row.far, column.near), sample(row.far, column.far), column.weight)
                    scaled.append(UInt8(mix(upper, lower, row.weight).rounded()))
                }
            }
        }
        return PNGImage(width: newWidth, height: newHeight, channels: channels, pixels: scaled, text: text)
    }

    /// Every pixel as a square of `factor` × `factor` pixels.
    public func enlarged(by factor: Int) -> PNGImage {
        scaled(width: width * factor, height: height * factor, .nearest)
    }

    /// Along one axis, the two pixels that each new pixel mixes, and the share of the far one.
    private static func taps(
        from old: Int, to new: Int, _ interpolation: Interpolation
    ) -> [(near: Int, far: Int, weight: Double)] {
        (0..<new).map { index in
            let center = (Double(index) + 0.5) * Double(old) / Double(new)
            if interpolation == .nearest {
                let nearest = min(Int(center), old - 1)
                return (nearest, nearest, 0)
            }
            let position = min(max(center - 0.5, 0), Double(old - 1))
            let near = Int(position)
            return (near, min(near + 1, old - 1), position - Double(near))
        }
    }
}

private func mix(_ a: Double, _ b: Double, _ share: Double) -> Double { a + (b - a) * share }
