//! The charts: a bar chart for each operation, and the cost with the number of sessions.

use crate::results::{Growth, Results};
use crate::tables::number;
use crate::work::{Figure, SERVERS, WORKS};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;
use std::path::Path;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One colour for each server, in the order of the table. Colour-blind readers can distinguish
/// them.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(86, 180, 233),
    RGBColor(160, 200, 225),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
];

const FONT: &str = "sans-serif";
const PANEL: (u32, u32) = (300, 190);

/// Draws a panel for each kind of operation, with a bar for each server. Each panel has its own
/// scale.
pub fn bars(results: &Results, file: &Path) -> Result<(), Box<dyn Error>> {
    let works: Vec<_> = WORKS
        .into_iter()
        .filter(|work| work.figure() != Figure::P99)
        .collect();
    let rows = works.len().div_ceil(3);
    let size = (PANEL.0 * 3, PANEL.1 * u32::try_from(rows)?);
    let canvas = SVGBackend::new(file, size).into_drawing_area();
    canvas.fill(&WHITE)?;
    for (panel, work) in canvas.split_evenly((rows, 3)).iter().zip(works) {
        let found = SERVERS.iter().zip(COLOURS).filter_map(|(server, colour)| {
            let spread = results.figure(work, *server)?;
            Some((server.name(), colour, spread.median))
        });
        let found: Vec<_> = found.collect();
        let title = format!("{}, {}", work.name(), work.figure().unit());
        panel.draw(&Text::new(title, (10, 10), (FONT, 17)))?;
        draw_bars(panel, &found)?;
    }
    canvas.present()?;
    Ok(())
}

fn draw_bars(panel: &Area<'_>, found: &[(&str, RGBColor, f64)]) -> Result<(), Box<dyn Error>> {
    const LEFT: i32 = 120;
    const LONGEST: f64 = 120.0;
    let most = found
        .iter()
        .map(|bar| bar.2)
        .fold(f64::MIN_POSITIVE, f64::max);
    for ((name, colour, value), line) in found.iter().zip(0..) {
        let top = 36 + line * 24;
        let length = (value / most * LONGEST).max(1.0) as i32;
        let bar = [(LEFT, top), (LEFT + length, top + 16)];
        panel.draw(&Rectangle::new(bar, colour.filled()))?;
        panel.draw(&Text::new((*name).to_owned(), (10, top + 2), (FONT, 15)))?;
        let at = (LEFT + length + 5, top + 2);
        panel.draw(&Text::new(number(*value), at, (FONT, 15)))?;
    }
    Ok(())
}

/// Draws the cost with each number of sessions, as a multiple of that with the fewest.
pub fn growth(results: &Results, file: &Path) -> Result<(), Box<dyn Error>> {
    let sizes = results.sizes();
    let (Some(fewest), Some(most)) = (sizes.first(), sizes.last()) else {
        return Ok(());
    };
    let canvas = SVGBackend::new(file, (620, 320)).into_drawing_area();
    canvas.fill(&WHITE)?;
    let range = (*fewest as f64..*most as f64).log_scale();
    let mut chart = ChartBuilder::on(&canvas)
        .caption(
            "CPU per operation, × that with the fewest sessions",
            (FONT, 15),
        )
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(45)
        .build_cartesian_2d(range, 0.0..1.6)?;
    chart
        .configure_mesh()
        .x_desc("other sessions open")
        .x_label_formatter(&|sessions| number(*sessions))
        .y_label_formatter(&|ratio| format!("{ratio:.1}"))
        .light_line_style(WHITE)
        .draw()?;
    let curves: [(&str, RGBColor, fn(&Growth) -> f64); 2] = [
        ("full handshake", COLOURS[0], |growth| growth.handshake),
        ("OPTIONS → 200", COLOURS[3], |growth| growth.options),
    ];
    for (name, colour, of) in curves {
        let median = |size: &usize| results.grown(*size, of).map(|spread| spread.median);
        let Some(first) = median(fewest) else {
            continue;
        };
        let points: Vec<(f64, f64)> = sizes
            .iter()
            .filter_map(|size| Some((*size as f64, median(size)? / first)))
            .collect();
        let line = LineSeries::new(points, colour.stroke_width(2)).point_size(3);
        chart
            .draw_series(line)?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 12, y + 4)], colour.filled()));
    }
    let target = [(*fewest as f64, 1.1), (*most as f64, 1.1)];
    chart
        .draw_series(LineSeries::new(target, BLACK.mix(0.5)))?
        .label("target: 1.10")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 12, y)], BLACK.mix(0.5)));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .border_style(BLACK.mix(0.3))
        .draw()?;
    canvas.present()?;
    Ok(())
}
