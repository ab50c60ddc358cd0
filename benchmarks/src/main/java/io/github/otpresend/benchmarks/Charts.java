// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.github.otpresend.benchmarks.Results.Row;
import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jfree.chart.ChartFactory;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.Axis;
import org.jfree.chart.plot.CategoryPlot;
import org.jfree.chart.plot.PlotOrientation;
import org.jfree.chart.renderer.category.BarRenderer;
import org.jfree.chart.renderer.category.StandardBarPainter;
import org.jfree.data.category.DefaultCategoryDataset;
import org.jfree.svg.SVGGraphics2D;

/** Draws the results in colours that can be read on a light and on a dark page. */
final class Charts {
  private static final Color TEXT = new Color(0x80, 0x80, 0x80);
  private static final Color GRID = new Color(0x80, 0x80, 0x80, 0x60);
  private static final Color[] SERIES = {
    new Color(0x3d, 0x85, 0xc6), new Color(0xe0, 0x7b, 0x28), new Color(0x4c, 0xa6, 0x5c)
  };
  private static final Font FONT = new Font(Font.SANS_SERIF, Font.PLAIN, 12);

  private Charts() {}

  static void write(List<Results> runs, Path directory) throws IOException {
    bars(runs, Figure.CPU, directory.resolve("cpu.svg"));
    bars(runs, Figure.ALLOCATED, directory.resolve("allocated.svg"));
    bars(runs, Figure.P99, directory.resolve("p99.svg"));
  }

  private static void bars(List<Results> runs, Figure figure, Path file) throws IOException {
    DefaultCategoryDataset data = new DefaultCategoryDataset();
    for (Results run : runs) {
      for (Row row : run.in(Situation.MAIN)) {
        data.addValue(row.figure(figure).median(), "JDK " + run.jdk(), row.contender().title);
      }
    }
    BarRenderer renderer = new BarRenderer();
    renderer.setBarPainter(new StandardBarPainter());
    renderer.setShadowVisible(false);
    renderer.setItemMargin(0);
    String title = figure.title + ": " + Situation.MAIN;
    JFreeChart chart =
        ChartFactory.createBarChart(
            title, null, null, data, PlotOrientation.HORIZONTAL, true, false, false);
    draw(chart, renderer, 80 + 36 * data.getColumnCount(), file);
  }

  private static void draw(JFreeChart chart, BarRenderer renderer, int height, Path file)
      throws IOException {
    chart.setBackgroundPaint(null);
    chart.getTitle().setFont(FONT.deriveFont(Font.BOLD, 13f));
    chart.getTitle().setPaint(TEXT);
    chart.getLegend().setBackgroundPaint(null);
    chart.getLegend().setItemFont(FONT);
    chart.getLegend().setItemPaint(TEXT);
    chart.getLegend().setFrame(org.jfree.chart.block.BlockBorder.NONE);
    CategoryPlot plot = chart.getCategoryPlot();
    plot.setBackgroundPaint(null);
    plot.setOutlineVisible(false);
    plot.setRangeGridlinePaint(GRID);
    plot.setRenderer(renderer);
    for (int i = 0; i < SERIES.length; i++) {
      renderer.setSeriesPaint(i, SERIES[i]);
    }
    for (Axis axis : List.of(plot.getDomainAxis(), plot.getRangeAxis())) {
      axis.setTickLabelFont(FONT);
      axis.setTickLabelPaint(TEXT);
      axis.setAxisLinePaint(GRID);
      axis.setTickMarkPaint(GRID);
    }
    plot.getDomainAxis().setMaximumCategoryLabelWidthRatio(0.6f);
    SVGGraphics2D svg = new SVGGraphics2D(820, height);
    chart.draw(svg, new java.awt.Rectangle(820, height));
    Files.writeString(file, svg.getSVGElement() + "\n");
  }
}
