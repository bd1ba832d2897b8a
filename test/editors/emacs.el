;;; emacs.el --- Attaches Debian's Emacs to the language server, asks for what an editor asks for, and prints the answers as JSON. -*- lexical-binding: t -*-
(require 'package)
(package-initialize)
(require 'eglot)
(require 'json)

;; The snippet of docs/editors.md.
(load (expand-file-name "snippet.el"))
(setq eglot-sync-connect 100
      eglot-autoshutdown nil
      eglot-send-changes-idle-time 0.05
      vc-handled-backends nil)

(defun quant-wait (seconds condition)
  "Handle what the server sends until CONDITION holds, for at most SECONDS."
  (let ((end (+ (float-time) seconds)))
    (while (and (not (funcall condition)) (< (float-time) end))
      (accept-process-output nil 0.05))
    (funcall condition)))

(defun quant-diagnostics ()
  "What eglot has told Flymake of this buffer."
  (flymake-start)
  (flymake-diagnostics))

(defun quant-ask (method line character)
  "The server's answer to METHOD at a place."
  (jsonrpc-request (eglot-current-server) method
                   (list :textDocument (eglot--TextDocumentIdentifier)
                         :position (list :line line :character character))))

(let (answers)
  (find-file "mistaken.quant.yaml")
  ;; `eglot-ensure' connects when the command that opened the file has ended.
  (run-hooks 'post-command-hook)
  (push (cons 'comments comment-start) answers)
  (push (cons 'attached (if (quant-wait 100 (lambda () (quant-diagnostics))) t :json-false)) answers)
  (push (cons 'diagnostics
              (vconcat (mapcar (lambda (found)
                                 (list (cons 'message (flymake-diagnostic-text found))
                                       (cons 'line (1- (line-number-at-pos (flymake-diagnostic-beg found))))
                                       (cons 'text (buffer-substring-no-properties
                                                    (flymake-diagnostic-beg found)
                                                    (flymake-diagnostic-end found)))))
                               (flymake-diagnostics))))
        answers)
  ;; Colours of the editor's own, of a key; without a screen they are made when they are asked for.
  (font-lock-set-defaults)
  (font-lock-fontify-region (point-min) (point-max))
  (goto-char (point-min))
  (search-forward "quantization")
  (push (cons 'colour (get-text-property (match-beginning 0) 'face)) answers)
  (push (cons 'hover (plist-get (plist-get (quant-ask :textDocument/hover 6 6) :contents) :value)) answers)
  (let ((list (quant-ask :textDocument/completion 6 17)))
    (push (cons 'completion (vconcat (mapcar (lambda (item) (plist-get item :label))
                                             (if (vectorp list) list (plist-get list :items)))))
          answers))
  ;; Fixes, asked for with the diagnostics as eglot gives them back.
  (goto-char (point-min))
  (search-forward "prset")
  (let ((fixes 0)
        (start (eglot--pos-to-lsp-position (match-beginning 0)))
        (end (eglot--pos-to-lsp-position (match-end 0))))
    (dotimes (_ 5)
      (let ((actions (jsonrpc-request
                      (eglot-current-server) :textDocument/codeAction
                      (list :textDocument (eglot--TextDocumentIdentifier)
                            :range (list :start start :end end)
                            :context (list :diagnostics
                                           (vconcat (mapcar (lambda (found)
                                                              (cdr (assoc 'eglot-lsp-diag (eglot--diag-data found))))
                                                            (flymake-diagnostics))))))))
        (when (seq-some (lambda (action) (equal (plist-get action :title) "Change to preset")) actions)
          (setq fixes (1+ fixes)))))
    (push (cons 'fixes fixes) answers))
  ;; Mending the mistake must clear the diagnostic.
  (goto-char (point-min))
  (search-forward "prset")
  (replace-match "preset")
  (eglot--signal-textDocument/didChange)
  (push (cons 'cleared (if (quant-wait 100 (lambda () (not (quant-diagnostics)))) t :json-false)) answers)
  (set-buffer-modified-p nil)
  ;; eglot has no lenses: what the lens does is asked for. What the run finds appears without an edit.
  (find-file "digits.quant.yaml")
  (run-hooks 'post-command-hook)
  (quant-wait 20 (lambda () (eglot-current-server)))
  (jsonrpc-request (eglot-current-server) :workspace/executeCommand
                   (list :command "quantsmith.server.run"
                         :arguments (vector (eglot--path-to-uri (buffer-file-name))))
                   :timeout 100)
  (push (cons 'ran (if (quant-wait 100 (lambda ()
                                         (seq-some (lambda (found)
                                                     (string-match-p "accuracy-restored" (flymake-diagnostic-text found)))
                                                   (quant-diagnostics))))
                       t :json-false))
        answers)
  (find-file "other.quant.json")
  (run-hooks 'post-command-hook)
  (push (cons 'json (if (quant-wait 100 (lambda () (quant-diagnostics))) t :json-false)) answers)
  ;; So is the other name that a config may have. A layer gets another name here and in the config that is not open.
  (find-file "quantization.yaml")
  (run-hooks 'post-command-hook)
  (push (cons 'fixedName (if (quant-wait 100 (lambda () (quant-diagnostics))) t :json-false)) answers)
  ;; It asks before it changes files that are not open.
  (cl-letf (((symbol-function 'y-or-n-p) #'always))
    (eglot--apply-workspace-edit
     (jsonrpc-request (eglot-current-server) :textDocument/rename
                      (list :textDocument (eglot--TextDocumentIdentifier)
                            :position (list :line 4 :character 14)
                            :newName "/new/Conv"))))
  (push (cons 'renamed
              (vconcat (mapcar (lambda (name)
                                 (with-current-buffer (find-file-noselect name)
                                   (goto-char (point-min))
                                   (forward-line 4)
                                   (prog1 (buffer-substring-no-properties (line-beginning-position) (line-end-position))
                                     (set-buffer-modified-p nil))))
                               '("quantization.yaml" "second.quant.yaml"))))
        answers)
  (push (cons 'servers (length (apply #'append (hash-table-values eglot--servers-by-project)))) answers)
  (princ (concat (json-encode (nreverse answers)) "\n"))
  (set-buffer-modified-p nil)
  (eglot-shutdown (eglot-current-server)))
(kill-emacs 0)
