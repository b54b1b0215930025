# Makefile of the extension "migrate"
#
# make && make install && make installcheck is plain PGXS, with PG_CONFIG= for
# the server that is meant.  The tasks of a developer (make demo, make test
# and the others listed under "tasks") need no PGXS to start with: each is a
# program in dev/ that first installs what the machine lacks.

EXTENSION = migrate
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" migrate.control)
PGFILEDESC = "migrate - schema migrations inside the server"

MODULE_big = migrate
OBJS = \
	src/author/author.o \
	src/author/compare.o \
	src/author/directory.o \
	src/author/environment.o \
	src/author/export.o \
	src/author/load.o \
	src/base/configuration.o \
	src/base/hint.o \
	src/base/sqlcall.o \
	src/base/textlist.o \
	src/batch/batch.o \
	src/batch/end.o \
	src/batch/index.o \
	src/batch/key.o \
	src/batch/range.o \
	src/batch/size.o \
	src/batch/throttle.o \
	src/batch/walk.o \
	src/catalog/bookkeeping.o \
	src/catalog/environment.o \
	src/catalog/graph.o \
	src/catalog/log.o \
	src/catalog/pause.o \
	src/catalog/progress.o \
	src/catalog/revision.o \
	src/catalog/tablescan.o \
	src/catalog/version.o \
	src/catalog/versionwrite.o \
	src/deploy/batch.o \
	src/deploy/deploy.o \
	src/deploy/donepart.o \
	src/deploy/leftover.o \
	src/deploy/live.o \
	src/deploy/livelist.o \
	src/deploy/parts.o \
	src/deploy/pause.o \
	src/deploy/progress.o \
	src/deploy/retry.o \
	src/deploy/script.o \
	src/deploy/work.o \
	src/deploy/worker.o \
	src/graph/build.o \
	src/graph/cycle.o \
	src/graph/depends.o \
	src/graph/direction.o \
	src/graph/graph.o \
	src/graph/history.o \
	src/graph/identifier.o \
	src/graph/label.o \
	src/graph/lanes.o \
	src/graph/order.o \
	src/graph/plan.o \
	src/graph/resolve.o \
	src/graph/stamp.o \
	src/graph/target.o \
	src/graph/walk.o \
	src/index/check.o \
	src/index/compare.o \
	src/index/invalid.o \
	src/locks/alter.o \
	src/locks/blockers.o \
	src/locks/collect.o \
	src/locks/constraint.o \
	src/locks/drop.o \
	src/locks/locks.o \
	src/locks/maintain.o \
	src/locks/needs.o \
	src/locks/relation.o \
	src/locks/rename.o \
	src/locks/statement.o \
	src/look/draw.o \
	src/look/look.o \
	src/look/status.o \
	src/migrate.o \
	src/offline/guard.o \
	src/offline/offline.o \
	src/offline/script.o \
	src/offline/settings.o \
	src/revfile/checksum.o \
	src/revfile/filename.o \
	src/revfile/header.o \
	src/revfile/id.o \
	src/revfile/revfile.o \
	src/revfile/scan.o \
	src/revfile/time.o \
	src/run/commands.o \
	src/run/lock.o \
	src/run/precheck.o \
	src/run/runner.o \
	src/run/state.o \
	src/run/step.o \
	src/script/classify.o \
	src/script/context.o \
	src/script/execute.o \
	src/script/rowsecurity.o \
	src/script/scan.o \
	src/script/script.o \
	src/tenant/column/backfill.o \
	src/tenant/column/column.o \
	src/tenant/column/columnarg.o \
	src/tenant/column/fill.o \
	src/tenant/column/force.o \
	src/tenant/column/link.o \
	src/tenant/column/linkkey.o \
	src/tenant/discover/discover.o \
	src/tenant/discover/fit.o \
	src/tenant/discover/key.o \
	src/tenant/discover/table.o \
	src/tenant/discover/way.o \
	src/tenant/discover/work.o \
	src/tenant/lint/bind.o \
	src/tenant/lint/calls.o \
	src/tenant/lint/context.o \
	src/tenant/lint/expr.o \
	src/tenant/lint/gone.o \
	src/tenant/lint/lint.o \
	src/tenant/lint/not.o \
	src/tenant/lint/parent.o \
	src/tenant/lint/sublink.o \
	src/tenant/lint/term.o \
	src/tenant/lint/waive.o \
	src/tenant/protect/exempt.o \
	src/tenant/protect/expr.o \
	src/tenant/protect/guard.o \
	src/tenant/protect/guardtrigger.o \
	src/tenant/protect/parse.o \
	src/tenant/protect/parts.o \
	src/tenant/protect/policy.o \
	src/tenant/protect/protect.o \
	src/tenant/protect/schema.o \
	src/tenant/protect/unprotect.o \
	src/tenant/registry/column.o \
	src/tenant/registry/json.o \
	src/tenant/registry/refresh.o \
	src/tenant/registry/registry.o \
	src/tenant/registry/table.o \
	src/tenant/selftest/look.o \
	src/tenant/selftest/probe.o \
	src/tenant/selftest/read.o \
	src/tenant/selftest/row.o \
	src/tenant/selftest/sample.o \
	src/tenant/selftest/scene.o \
	src/tenant/selftest/selftest.o \
	src/tenant/selftest/try.o \
	src/tenant/selftest/view.o \
	src/tenant/selftest/write.o \
	src/tenant/setting/each.o \
	src/tenant/setting/fold.o \
	src/tenant/setting/models.o \
	src/tenant/setting/set.o \
	src/tenant/setting/setting.o \
	src/tenant/setting/value.o \
	src/tenant/setup/acl.o \
	src/tenant/setup/grant.o \
	src/tenant/setup/model.o \
	src/tenant/setup/plan.o \
	src/tenant/setup/teardown.o \
	src/worker/main.o \
	src/worker/session.o \
	src/worker/task.o \
	src/worker/worker.o

# The install script is made of parts; they are run in this order.
DATA_built = migrate--$(EXTVERSION).sql
INSTALL_PARTS = \
	install/header.sql \
	install/catalog/tables.sql \
	install/tenant/registry/tables.sql \
	install/catalog/types.sql \
	install/author/environment.sql \
	install/author/author.sql \
	install/batch/batch.sql \
	install/run/run.sql \
	install/deploy/deploy.sql \
	install/deploy/progress.sql \
	install/offline/offline.sql \
	install/look/look.sql \
	install/locks/locks.sql \
	install/tenant/setting/context.sql \
	install/tenant/setup/setup.sql \
	install/tenant/lint/lint.sql \
	install/tenant/lint/policies.sql \
	install/tenant/lint/expressions.sql \
	install/tenant/lint/security.sql \
	install/tenant/lint/keys.sql \
	install/tenant/lint/views.sql \
	install/tenant/lint/definers.sql \
	install/tenant/lint/rights.sql \
	install/tenant/lint/findings.sql \
	install/tenant/selftest/selftest.sql \
	install/rights.sql

PG_CPPFLAGS = -I$(srcdir)/src -DMIGRATE_VERSION='"$(EXTVERSION)"'

# Only what the server calls is seen outside the library.  From 16 on PGXS
# sees to that.
comma = ,
SHLIB_LINK = $(if $(filter 15-linux,$(MAJORVERSION)-$(PORTNAME)),-Wl$(comma)--version-script=$(srcdir)/src/base/exports.map)

# The lists of tests are explicit; dev/test fails when a file is on none.
# setup shows what CREATE EXTENSION makes, and so comes first.
REGRESS = \
	setup \
	acl \
	batch_function \
	changed \
	corners \
	deploy \
	deploy_batch \
	deploy_examples \
	deploy_statements \
	downgrade \
	draw \
	environment \
	errors \
	examples \
	graph_errors \
	large \
	load \
	locks \
	log \
	look \
	naming \
	offline \
	origin \
	pause \
	refusals \
	revision \
	row_security \
	script \
	search_path \
	stamp \
	targets \
	tenant_attach \
	tenant_collation \
	tenant_column \
	tenant_context \
	tenant_discover \
	tenant_each \
	tenant_fold \
	tenant_grant \
	tenant_guard \
	tenant_link \
	tenant_lint \
	tenant_lint_design \
	tenant_lint_expression \
	tenant_lint_reach \
	tenant_names \
	tenant_partition \
	tenant_rename \
	tenant_restore \
	tenant_selftest \
	tenant_selftest_caller \
	tenant_selftest_verdict \
	tenant_setup \
	tenant_waive \
	upgrade \
	version_table
REGRESS_OPTS = --encoding=UTF8 --no-locale

ISOLATION = \
	authoring \
	branches \
	deploy_deploy \
	deploy_locks \
	environments \
	isolation_levels \
	lock_timeout \
	looking \
	tenant_drop \
	tenant_guard \
	tenant_protect \
	upgrade_downgrade \
	upgrade_stamp \
	upgrade_upgrade \
	version_table
ISOLATION_OPTS = --inputdir=test --encoding=UTF8 --no-locale \
	--load-extension=migrate

TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl

EXTRA_CLEAN = output_iso tmp_check

# ---- tasks ----

TASKS = bench demo indent matrix test torture valgrind

.DEFAULT_GOAL = all
.PHONY: $(TASKS) dist

$(TASKS):
	@dev/$@

# a release for PGXN
dist:
	git archive --format=zip --prefix=migrate-$(EXTVERSION)/ -o migrate-$(EXTVERSION).zip HEAD

# the value of a variable, for the programs in dev/
print-%:
	@echo $($*)

# ---- PGXS, unless only tasks are asked for ----

ifneq ($(filter-out $(TASKS) dist print-%,$(or $(MAKECMDGOALS),all)),)

PG_CONFIG = pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

# Debian has moved pgxs.mk between packages: look for the headers, too
SERVER_HEADER := $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h

ifeq ($(and $(wildcard $(PGXS)),$(wildcard $(SERVER_HEADER))),)
PGMAJOR := $(or $(shell $(PG_CONFIG) --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'),NN)
$(error The PostgreSQL extension build files (pgxs.mk, postgres.h) are missing. On Debian and Ubuntu, install postgresql-server-dev-$(PGMAJOR); elsewhere, the development package of the server, and name its pg_config with PG_CONFIG=. "make demo" and "make test" do this by themselves)
endif

# A server built with JIT has make compile the library once more with clang.
# Where that clang is not installed the library works without.
PGXS_CLANG := $(shell sed -n 's/^CLANG[[:space:]]*= *//p' $(dir $(PGXS))../Makefile.global)
ifeq ($(shell command -v $(or $(PGXS_CLANG),false)),)
override with_llvm = no
endif

include $(PGXS)

# PGXS follows no #include: any header makes everything anew
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*/*.h src/*/*/*.h) migrate.control Makefile
$(shlib): src/base/exports.map

migrate--$(EXTVERSION).sql: $(addprefix $(srcdir)/,$(INSTALL_PARTS)) Makefile
	awk 'FNR == 1 && NR > 1 { print "" } { print }' $(filter %.sql,$^) >$@

endif
