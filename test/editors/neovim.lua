-- In Neovim with the snippet of docs/editors.md: asks for what an editor asks for, and prints the answers as JSON.
local answers = {}
local version = vim.version()
answers.version = version.major .. '.' .. version.minor
local PATIENCE = 100000

local clients = vim.lsp.get_clients or vim.lsp.get_active_clients
local function client()
  return clients()[1]
end
local function diagnostics()
  return vim.diagnostic.get(0)
end
local function codes()
  return vim.tbl_map(function(d) return d.code end, diagnostics())
end
local function has(code)
  return vim.tbl_contains(codes(), code)
end
local function request(method, params)
  local replies = vim.lsp.buf_request_sync(0, method, params, PATIENCE)
  local reply = replies and replies[client().id]
  return reply and (reply.result or reply) or nil
end
local function document()
  return vim.lsp.util.make_text_document_params()
end
local function ask(method, line, character)
  return request(method, { textDocument = document(), position = { line = line, character = character } })
end

answers.attached = vim.wait(PATIENCE, function() return #diagnostics() > 0 end, 20)
answers.diagnostics = vim.tbl_map(function(d)
  return { code = d.code, message = d.message, line = d.lnum, column = d.col, last = d.end_col }
end, diagnostics())
answers.filetype = vim.bo.filetype
answers.comments = vim.bo.commentstring
-- Colours of the editor's own, of the key in line 6.
answers.colour = vim.fn.synIDattr(vim.fn.synID(6, 4, 1), 'name')
local tokens = request('textDocument/semanticTokens/full', { textDocument = document() })
answers.tokens = tokens and tokens.data and #tokens.data or 0
local hover = ask('textDocument/hover', 6, 6)
answers.hover = hover and hover.contents and hover.contents.value
local list = ask('textDocument/completion', 6, 17)
answers.completion = vim.tbl_map(function(item) return item.label end, (list and list.items) or list or {})

-- Fixes, asked for with the diagnostics as this client gives them back.
local line_diagnostics = function()
  local line = diagnostics()[1].lnum
  return vim.tbl_map(function(d) return d.user_data.lsp end, vim.diagnostic.get(0, { lnum = line })), line
end
answers.fixes = 0
for _ = 1, 5 do
  local found, line = line_diagnostics()
  for _, d in ipairs(found) do
    d.range = d.range or { start = { line = line, character = 2 }, ['end'] = { line = line, character = 7 } }
    d.message = d.message or diagnostics()[1].message
  end
  local actions = request('textDocument/codeAction', {
    textDocument = document(),
    range = { start = { line = line, character = 2 }, ['end'] = { line = line, character = 7 } },
    context = { diagnostics = found },
  }) or {}
  for _, action in ipairs(actions) do
    if action.title == 'Change to preset' then answers.fixes = answers.fixes + 1 end
  end
end

-- Mending the mistake must clear the diagnostic.
vim.api.nvim_buf_set_lines(0, 5, 6, false, { '  preset: mixed' })
answers.cleared = vim.wait(PATIENCE, function() return not has('unknown-key') end, 20)
answers.left = vim.tbl_map(function(d) return d.message end, diagnostics())
vim.cmd('set nomodified')

-- A run from the lens: what it finds appears without an edit, in a second buffer of the same server.
vim.cmd('edit digits.quant.yaml')
local lens = nil
vim.wait(PATIENCE, function()
  return #clients({ bufnr = 0 }) > 0 and (not vim.lsp.buf_is_attached or vim.lsp.buf_is_attached(0, client().id))
end, 20)
for _, one in ipairs(request('textDocument/codeLens', { textDocument = document() }) or {}) do
  if one.command and one.command.title:match('^Run') then lens = one end
end
answers.lens = lens and lens.command.title
if lens then
  local run = { command = lens.command.command, arguments = lens.command.arguments }
  vim.lsp.buf_request(0, 'workspace/executeCommand', run, function(err, result)
    answers.run = err and err.message or result
  end)
  answers.ran = vim.wait(PATIENCE, function() return has('accuracy-restored') end, 50)
end
answers.servers = #clients()

-- JSON is served too.
vim.cmd('edit other.quant.json')
answers.json = vim.wait(PATIENCE, function() return has('unknown-key') end, 20)
answers.jsonComments = vim.bo.commentstring

-- So is the other name that a config may have.
vim.cmd('edit quantization.yaml')
answers.fixedName = vim.wait(PATIENCE, function() return has('unknown-key') end, 20)
answers.fixedNameType = vim.bo.filetype

-- A layer gets another name here and in the other config about the same model, which is not open.
local edit = request('textDocument/rename', {
  textDocument = document(), position = { line = 4, character = 14 }, newName = '/new/Conv',
})
if edit then
  if vim.fn.has('nvim-0.8') == 1 then
    vim.lsp.util.apply_workspace_edit(edit, client().offset_encoding)
  else
    vim.lsp.util.apply_workspace_edit(edit, 'utf-16')
  end
  answers.renamed = {}
  for _, name in ipairs({ 'quantization.yaml', 'second.quant.yaml' }) do
    local lines = vim.api.nvim_buf_get_lines(vim.fn.bufadd(vim.fn.getcwd() .. '/' .. name), 4, 5, false)
    table.insert(answers.renamed, lines[1] or '')
  end
end
answers.serversAtEnd = #clients()

io.stdout:write(vim.fn.json_encode(answers) .. '\n')
vim.cmd('qa!')
