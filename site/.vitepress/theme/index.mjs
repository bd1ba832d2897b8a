// VitePress's theme, with room for long keys and wide code.
import theme from 'vitepress/theme';
import './style.css';

export default theme;
