import {
  createTheme,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
  type VariantColorsResolver,
} from '@mantine/core';

const indigo: MantineColorsTuple = [
  '#eef1ff',
  '#dce1fb',
  '#b6c0f2',
  '#8e9deb',
  '#6c7fe4',
  '#566ce0',
  '#3f57d3',
  '#3249bd',
  '#2b41a9',
  '#213695',
];

/** White on a filled red is readable on the darkest one only. */
const colors: VariantColorsResolver = (input) => {
  const usual = defaultVariantColorsResolver(input);
  if (input.variant !== 'filled' || input.color !== 'red') return usual;
  const red = input.theme.colors.red[9];
  return { ...usual, background: red, hover: red, color: '#fff' };
};

export const theme = createTheme({
  primaryColor: 'brand',
  primaryShade: { light: 7, dark: 6 },
  colors: { brand: indigo },
  defaultRadius: 'md',
  autoContrast: true,
  // Dimmed text has to be readable, too: four and a half to one on both grounds.
  luminanceThreshold: 0.35,
  variantColorResolver: colors,
  // The first entry has the focus at once; a menu may have nothing but entries in it.
  components: { Menu: { defaultProps: { withInitialFocusPlaceholder: false } } },
  fontFamily:
    "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Code', 'Noto Sans Mono', monospace",
  respectReducedMotion: true,
});
